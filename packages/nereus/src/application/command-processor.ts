import type { StreamId } from "../log/message.ts";
import { AggregateRoot, aggregateIdentity, isThenable } from "../model/aggregate-root.ts";
import { definition, definitionOf } from "../model/element.ts";
import { ConcurrencyError, NereusError } from "../model/errors.ts";
import { frozenCopy } from "../model/freeze.ts";
import { type CommandClass, type MessageDefinition, messageDefinition, messageId } from "../model/message.ts";
import { didYouMean } from "../model/nearest.ts";
import type { Commit, CommitOutcome, SqlClient } from "../ports/store.ts";
import { causeOf, type Origin } from "./cause.ts";
import { TimeLimit } from "./deadline.ts";
import { enriched } from "./enrichers.ts";
import { commandContext, type Joining } from "./handler-context.ts";
import { claimOf } from "./idempotency.ts";
import { cacheKey } from "./loading.ts";
import { unknownOutcome } from "./operation.ts";
import { assertInnerSendOptions, type ProcessOptions, timeoutOf } from "./process-options.ts";
import type { QueryProcessor } from "./query-processor.ts";
import type { Sent } from "./receipts.ts";
import type { CommandRoute, Runtime } from "./registry.ts";
import { loaded, save } from "./repositories.ts";
import type { SendOptions } from "./send-options.ts";
import { appendOf } from "./sent-command.ts";
import { assertSizes } from "./size-limits.ts";
import type { Target, UnitOfWork } from "./unit-of-work.ts";
import { UnitTransaction } from "./unit-transaction.ts";
import type { Work } from "./work.ts";

/** Takes a command to its handler. */
export class CommandProcessor {
  readonly #runtime: Runtime;
  readonly #joining: Joining;

  /** @param joining what handlers may call back */
  constructor(runtime: Runtime, joining: Joining) {
    this.#runtime = runtime;
    this.#joining = joining;
  }

  /**
   * A command as a piece of work.
   *
   * @param isFromOutside not for one that was sent: that has its extensions already
   */
  workOf(command: object, options: ProcessOptions, isFromOutside = true): Work {
    const route = this.#route(command);
    const { idempotencyKey, expectedVersion, tenant = "", transaction } = options;
    const target = targetOf(route, command, tenant);
    const origin = this.#originOf(command, options, isFromOutside);
    return {
      name: route.aggregate[definition].name,
      subject: route.command[definition].name,
      tenant,
      target,
      deadline: options.deadline,
      timeout: isFromOutside ? (timeoutOf(options) ?? route.timeout) : route.timeout,
      claim:
        idempotencyKey === undefined ? undefined : claimOf(this.#runtime.fingerprints, command, idempotencyKey, tenant),
      transaction,
      cause: (recordedAt) => causeOf(origin, recordedAt),
      run: (unit) => {
        if (expectedVersion === undefined) return this.#run(route, command, target?.id, unit, origin.causationId);
        return assertVersion(route, target, unit, expectedVersion).then(() =>
          this.#run(route, command, target?.id, unit, origin.causationId),
        );
      },
    };
  }

  /** Stores a command, to be handled later. The options are checked already. */
  async send(command: object, options: SendOptions & ProcessOptions): Promise<Sent> {
    const route = this.#route(command);
    const cause = causeOf(this.#originOf(command, options, true), this.#runtime.clock.now().getTime());
    const append = appendOf(route, command, cause, options);
    const commit = { appends: [append] };
    assertSizes(this.#runtime.limits, route.command[definition].name, commit);
    const outcome = await this.#stored(route.command[definition].name, commit, options.transaction);
    // nothing is expected of the store, so that nothing can conflict
    if (outcome.status !== "committed") throw new Error(`a sent command met a ${outcome.status}`);
    const { position } = outcome;
    const message = { id: messageId(command), type: route.command[definition].name, position, stream: append.stream };
    return { message, key: options.idempotencyKey };
  }

  /** @throws NereusError DEADLINE_EXCEEDED or OUTCOME_UNKNOWN */
  #stored(subject: string, commit: Commit, given: SqlClient | undefined): Promise<CommitOutcome> {
    const { store, clock, timeout } = this.#runtime;
    const transaction = new UnitTransaction(store, given);
    const limit = TimeLimit.of({ timeout }, clock);
    const stored = transaction.commit(commit);
    if (limit === undefined) return stored;
    return limit.bound(stored, () => {
      const late = limit.exceeded(subject);
      return transaction.withdraw(commit) ? late : unknownOutcome(subject, late);
    });
  }

  /**
   * The stream of a sent command.
   *
   * @throws NereusError UNKNOWN_COMMAND
   */
  streamOf(command: CommandClass, id: string, tenant: string): StreamId {
    const { aggregate } = this.#routeOf(definitionOf<MessageDefinition>(command, "command"), command);
    return { tenant, kind: "command", category: aggregate[definition].name, id };
  }

  /** Hands a command in with a unit of work. */
  sendWith(command: object, options: SendOptions, unit: UnitOfWork, causedBy: string): void {
    assertInnerSendOptions(options);
    const route = this.#route(command);
    unit.send(appendOf(route, command, { ...unit.cause, causationId: causedBy }, options));
  }

  /** A nested command: handled in the same unit of work, which its failure dooms. */
  async nested(command: object, unit: UnitOfWork, causedBy: string): Promise<unknown> {
    try {
      const route = this.#route(command);
      const id = targetOf(route, command, unit.cause.tenant)?.id;
      return await unit.lineage.during(messageId(command), () => this.#run(route, command, id, unit, causedBy));
    } catch (error) {
      unit.innerFailure ??= { error };
      throw error;
    }
  }

  /** Calls the handler: at once where nothing has to be loaded, so that no promise is made without need. */
  #run(
    { handling, aggregate }: CommandRoute,
    command: object,
    id: string | undefined,
    unit: UnitOfWork,
    causationId: string | null,
  ): unknown {
    const context = commandContext(this.#runtime, unit, messageId(command), this.#joining, causationId);
    if (handling.how === "on") return handling.run(command, context);
    if (handling.how === "create") {
      return whenever(handling.run(command, context), (created) => create(this.#runtime, unit, created));
    }
    const identity = id as string; // start-up has refused update handlers whose command names no identity
    return whenever(loaded(this.#runtime, unit, aggregate, identity), (root) =>
      whenever(handling.run(root as object, command, context), (result) =>
        whenever(save(this.#runtime, unit, root as AggregateRoot), () => result),
      ),
    );
  }

  #originOf(command: object, options: ProcessOptions, isFromOutside: boolean): Origin {
    const id = messageId(command);
    const { causationId = null, correlationId = id, tenant = "", traceparent = null, occurredAt } = options;
    const { commands = [] } = this.#runtime.enrichers;
    const given = options.extensions ?? nothing;
    const extensions = isFromOutside ? enriched(given, commands, command) : given;
    return { id, causationId, correlationId, tenant, traceparent, extensions, occurredAt: occurredAt?.getTime() };
  }

  #route(command: object): CommandRoute {
    return this.#routeOf(messageDefinition(command, "command"), (command as object | undefined)?.constructor);
  }

  #routeOf(own: MessageDefinition | undefined, given: unknown): CommandRoute {
    const route = own === undefined ? undefined : this.#runtime.registry.commands.get(own.name);
    if (route !== undefined && route.command[definition] === own) return route;
    const name = own?.name ?? String((given as { readonly name?: string } | undefined)?.name ?? given);
    throw new NereusError("UNKNOWN_COMMAND", `Domain ${this.#runtime.registry.domain} handles no command ${name}`, {
      element: name,
      fix:
        own === undefined
          ? "Pass an instance of a class made by Command(…)."
          : `${didYouMean(name, this.#runtime.registry.commands.keys())}Give it to .create, .update or .on of a commandHandlers(…) that is an element of the domain.`,
    });
  }
}

const nothing = frozenCopy({});

/** Commands, queries and sent commands, as handlers call them back; what they call is there when the first handler runs. */
export function joiningOf(
  runtime: Runtime,
  queries: QueryProcessor,
): { readonly commands: CommandProcessor; readonly joining: Joining } {
  const joining: Joining = {
    process: (command, unit, causedBy) => commands.nested(command, unit, causedBy),
    query: (question, unit) => queries.ask(question, unit.cause.tenant, unit.writing),
    send: (command, options, unit, causedBy) => commands.sendWith(command, options, unit, causedBy),
  };
  const commands = new CommandProcessor(runtime, joining);
  return { commands, joining };
}

/** The version is held against the store, whatever the cache has. */
async function assertVersion(
  { aggregate, handling }: CommandRoute,
  target: Target | undefined,
  unit: UnitOfWork,
  expected: number,
): Promise<void> {
  const { name } = aggregate[definition];
  if (target === undefined || handling.how === "create") {
    throw new NereusError("EXPECTED_VERSION_UNUSED", `An expected version says nothing to this handler of ${name}`, {
      element: name,
      fix: "Leave expectedVersion out, or give the command a field with the aggregate's identity.",
    });
  }
  const found = await unit.load(aggregate, target.id, false);
  const actual = found?.version ?? -1;
  if (actual === expected) return;
  const what = `${name} ${target.id} is at version ${actual}, not ${expected}`;
  throw new ConcurrencyError("EXPECTED_VERSION_MISMATCH", what, {
    element: name,
    fix: "Read it again, decide again, and give the version that you read.",
  });
}

/** Goes on with a value now, or with a promise's value when it is there. */
function whenever(value: unknown, next: (value: unknown) => unknown): unknown {
  return isThenable(value) ? Promise.resolve(value).then(next) : next(value);
}

function create(runtime: Runtime, unit: UnitOfWork, created: unknown): unknown {
  if (!(created instanceof AggregateRoot)) {
    throw new NereusError("VALIDATION_FAILED", "A create handler returned no aggregate", {
      fix: "Return the new aggregate, for example (command) => Account.open(command).",
    });
  }
  return whenever(save(runtime, unit, created), () => aggregateIdentity(created));
}

function targetOf({ aggregate, identityField }: CommandRoute, command: object, tenant: string): Target | undefined {
  const value = identityField === undefined ? undefined : (command as Record<string, unknown>)[identityField];
  if (value === undefined) return undefined;
  const id = String(value);
  return { aggregate, id, key: cacheKey(aggregate, tenant, id) };
}
