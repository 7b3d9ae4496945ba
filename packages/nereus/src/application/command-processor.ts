import { AggregateRoot, aggregateIdentity, isThenable } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import { ConcurrencyError, NereusError } from "../model/errors.ts";
import { messageDefinition, messageId } from "../model/message.ts";
import type { Commit, Conflict } from "../ports/store.ts";
import type { Cause } from "./cause.ts";
import { metAt, outOfRetries, refuseExisting } from "./command-faults.ts";
import type { Clock, CommandContext } from "./context.ts";
import { HandlerContext, type Joining } from "./handler-context.ts";
import { type Claim, claimOf, encodeResult, remembered } from "./idempotency.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { cacheKey, streamOf } from "./loading.ts";
import { absent } from "./past.ts";
import type { Processed, ProcessOptions } from "./process-options.ts";
import type { QueryProcessor } from "./query-processor.ts";
import type { CommandRoute, Runtime } from "./registry.ts";
import { type Carried, UnitOfWork } from "./unit-of-work.ts";

/** Takes a command to its handler, and what the handler did to the store. */
export class CommandProcessor {
  readonly #runtime: Runtime;
  readonly #queries: QueryProcessor;
  readonly #queue = new KeyedQueue();

  constructor(runtime: Runtime, queries: QueryProcessor) {
    this.#runtime = runtime;
    this.#queries = queries;
  }

  /** Without an idempotency key, the only waits are the aggregate's turn, a load that misses the cache, the commit. */
  process(command: object, options: ProcessOptions): Promise<Processed> {
    const route = this.#route(command);
    const id = identityIn(route, command);
    const turn = id === undefined ? undefined : cacheKey(route.aggregate, options.tenant ?? "", id);
    if (options.idempotencyKey === undefined) {
      return this.#attempts({ command, route, id, turn, options, idempotency: undefined });
    }
    return this.#once({
      command,
      route,
      id,
      turn,
      options,
      idempotency: claimOf(command, options.idempotencyKey, options),
    });
  }

  /** Commands with one key wait for each other, so that the first is done before the next looks for its result. */
  async #once(task: Task & { readonly idempotency: Claim }): Promise<Processed> {
    const turn = `\0${task.idempotency.tenant}\0${task.idempotency.key}`;
    const wait = this.#queue.enter(turn);
    if (wait !== undefined) await this.#inTurn(wait, task);
    try {
      return (await this.#remembered(task)) ?? (await this.#attempts(task));
    } finally {
      this.#queue.leave(turn);
    }
  }

  /** The outcome of an earlier command with the same key, if it had one. */
  async #remembered({ idempotency }: Task): Promise<Processed | undefined> {
    if (idempotency === undefined) return undefined;
    const record = await this.#runtime.store.records.idempotency(idempotency.tenant, idempotency.key);
    if (record === undefined) return undefined;
    return remembered(record, idempotency);
  }

  /** Tries until the command is committed, refused, or out of retries. */
  async #attempts(task: Task): Promise<Processed> {
    const { options } = task;
    let turn = task.turn;
    const wait = turn === undefined ? undefined : this.#queue.enter(turn);
    if (wait !== undefined) await this.#inTurn(wait, task);
    try {
      let carried: Carried = nothingCarried;
      for (let attempt = 0; ; attempt++) {
        assertInTime(task, this.#runtime.clock);
        const unit = new UnitOfWork(this.#runtime, this.#cause(task), carried, task);
        const step = await this.#attempt(task, unit);
        if ("position" in step) return step;
        if (attempt >= this.#runtime.retries) {
          throw outOfRetries(task.route.aggregate[definition].name, task.id, attempt, step.again);
        }
        carried = unit.carry(step.again);
        if (task.turn === undefined) turn = await this.#turnAfter(turn, step.again, options.tenant ?? "");
        if (attempt > 0) await pause(attempt);
      }
    } finally {
      if (turn !== undefined) this.#queue.leave(turn);
    }
  }

  /** A command that named no aggregate, but met a conflict, waits in the line of the aggregate it met it at. */
  async #turnAfter(
    turn: string | undefined,
    conflict: Conflict | undefined,
    tenant: string,
  ): Promise<string | undefined> {
    const met = conflict === undefined ? undefined : metAt(conflict);
    const aggregate = met === undefined ? undefined : this.#runtime.registry.aggregates.get(met.name);
    if (met === undefined || aggregate === undefined) return turn;
    const next = cacheKey(aggregate, tenant, met.id);
    if (next === turn) return turn;
    if (turn !== undefined) this.#queue.leave(turn); // never two turns at once: no two commands wait for each other
    await this.#queue.enter(next);
    return next;
  }

  /** A handler that calls `domain.process` for its own aggregate would wait for itself: that must not be silent. */
  async #inTurn(wait: Promise<void>, { route, id }: Task): Promise<void> {
    const { name } = route.aggregate[definition];
    const advice = "if a handler calls domain.process, let it call context.process instead";
    const report = (): void => this.#runtime.log.warn(`A command waits for its turn with ${name} ${id}; ${advice}`);
    const timer = setTimeout(report, longWait);
    await wait;
    clearTimeout(timer);
  }

  async #attempt(task: Task, unit: UnitOfWork): Promise<Processed | { readonly again: Conflict | undefined }> {
    let result: unknown;
    let commit: Commit;
    try {
      const { expectedVersion } = task.options;
      if (expectedVersion !== undefined) await this.#assertVersion(task, unit, expectedVersion);
      const handled = this.#run(task.route, task.command, task.id, unit);
      result = isThenable(handled) ? await handled : handled;
      unit.assertComplete();
      if (unit.unchecked && (await unit.wasStale(false))) return { again: undefined };
      const prepared = unit.prepare(task.idempotency && recordOf(task, task.idempotency, result));
      commit = prepared instanceof Promise ? await prepared : prepared;
    } catch (error) {
      if (await unit.wasStale(true).catch(() => false)) return { again: undefined }; // the handler's error says more
      unit.abandon();
      const earlier = await this.#remembered(task); // another process may have had the same key
      if (earlier !== undefined) return earlier;
      throw error;
    }
    return this.#write(task, unit, commit, result);
  }

  async #write(
    task: Task,
    unit: UnitOfWork,
    commit: Commit,
    result: unknown,
  ): Promise<Processed | { readonly again: Conflict | undefined }> {
    const outcome = await unit.write(commit);
    if (outcome.status === "duplicate") return remembered(outcome.record, task.idempotency as Claim);
    if (outcome.status === "conflict") {
      const met = metAt(outcome.conflict);
      const isAggregate = met !== undefined && this.#runtime.registry.aggregates.has(met.name);
      if (isAggregate && !unit.missed(met.name, met.id)) refuseExisting(outcome.conflict);
      return { again: outcome.conflict };
    }
    unit.saved();
    return { result, position: outcome.position };
  }

  /** Calls the handler: at once where nothing has to be loaded, so that no promise is made without need. */
  #run(route: CommandRoute, command: object, id: string | undefined, unit: UnitOfWork): unknown {
    const { handling, aggregate } = route;
    const context = this.#context(command, unit);
    if (handling.how === "on") return handling.run(command, context);
    if (handling.how === "create") return whenever(handling.run(command, context), (created) => create(unit, created));
    const identity = id as string; // start-up has refused update handlers whose command names no identity
    return whenever(unit.load(aggregate, identity, true), (root) => {
      if (root === undefined) throw absent(streamOf(aggregate, unit.cause.tenant, identity));
      return whenever(handling.run(root as object, command, context), (result) => {
        unit.add(root as AggregateRoot);
        return result;
      });
    });
  }

  /** The version is held against the store, whatever the cache has. */
  async #assertVersion({ route, id }: Task, unit: UnitOfWork, expected: number): Promise<void> {
    const { name } = route.aggregate[definition];
    if (id === undefined || route.handling.how === "create") {
      throw new NereusError("EXPECTED_VERSION_UNUSED", `An expected version says nothing to this handler of ${name}`, {
        element: name,
        fix: "Leave expectedVersion out, or give the command a field with the aggregate's identity.",
      });
    }
    const found = await unit.load(route.aggregate, id, false);
    const actual = found?.version ?? -1;
    if (actual === expected) return;
    throw new ConcurrencyError("EXPECTED_VERSION_MISMATCH", `${name} ${id} is at version ${actual}, not ${expected}`, {
      element: name,
      fix: "Read it again, decide again, and give the version that you read.",
    });
  }

  /** A nested command: handled in the same unit of work, which its failure dooms. */
  async #nested(command: object, unit: UnitOfWork): Promise<unknown> {
    try {
      const route = this.#route(command);
      return await this.#run(route, command, identityIn(route, command), unit);
    } catch (error) {
      unit.innerFailure ??= { error };
      throw error;
    }
  }

  /** What a handler may call back. */
  readonly #joining: Joining = {
    process: (command, unit) => this.#nested(command, unit),
    query: (question, unit) => this.#queries.ask(question, unit.cause.tenant),
  };

  #context(command: object, unit: UnitOfWork): CommandContext {
    return new HandlerContext(this.#runtime, unit, messageId(command), this.#joining);
  }

  #route(command: object): CommandRoute {
    const own = messageDefinition(command, "command");
    const route = own === undefined ? undefined : this.#runtime.registry.commands.get(own.name);
    if (route !== undefined && route.command[definition] === own) return route;
    const name = own?.name ?? String((command as object | undefined)?.constructor?.name ?? command);
    throw new NereusError("UNKNOWN_COMMAND", `Domain ${this.#runtime.registry.domain} handles no command ${name}`, {
      element: name,
      fix:
        own === undefined
          ? "Pass an instance of a class made by Command(…)."
          : `Give it to .create, .update or .on of a commandHandlers(…) that is an element of the domain.`,
    });
  }

  #cause({ command, options }: Task): Cause {
    const recordedAt = this.#runtime.clock.now().getTime();
    const id = messageId(command);
    return {
      id,
      tenant: options.tenant ?? "",
      causationId: options.causationId ?? null,
      envelope: {
        recordedAt,
        occurredAt: options.occurredAt?.getTime() ?? recordedAt,
        correlationId: options.correlationId ?? id,
        causationId: id,
        traceparent: options.traceparent ?? null,
        extensions: null,
      },
    };
  }
}

/** Milliseconds after which a command that waits for others of its aggregate is reported. */
const longWait = 10_000;
const nothingCarried: Carried = new Map();

interface Task {
  readonly command: object;
  readonly route: CommandRoute;
  readonly id: string | undefined;
  /** The key of the aggregate whose turn the command waits for, if it names one. */
  readonly turn: string | undefined;
  readonly options: ProcessOptions;
  readonly idempotency: Claim | undefined;
}

/** Goes on with a value now, or with a promise's value when it is there. */
function whenever(value: unknown, next: (value: unknown) => unknown): unknown {
  return isThenable(value) ? Promise.resolve(value).then(next) : next(value);
}

function recordOf({ route }: Task, claim: Claim, result: unknown): Claim & { readonly result: string | null } {
  return { ...claim, result: encodeResult(route.aggregate[definition].name, result) };
}

function create(unit: UnitOfWork, created: unknown): string | undefined {
  if (!(created instanceof AggregateRoot)) {
    throw new NereusError("VALIDATION_FAILED", "A create handler returned no aggregate", {
      fix: "Return the new aggregate, for example (command) => Account.open(command).",
    });
  }
  unit.add(created);
  return aggregateIdentity(created);
}

function identityIn({ identityField }: CommandRoute, command: object): string | undefined {
  if (identityField === undefined) return undefined;
  const value = (command as Record<string, unknown>)[identityField];
  return value === undefined ? undefined : String(value);
}

function assertInTime({ options: { deadline }, command }: Task, clock: Clock): void {
  if (deadline === undefined || deadline.getTime() > clock.now().getTime()) return;
  const name = messageDefinition(command, "command")?.name ?? "";
  throw new NereusError("DEADLINE_EXCEEDED", `${name} was not handled before ${deadline.toISOString()}`, {
    element: name,
    fix: "Send it again with a later deadline if it is still wanted.",
  });
}

/** Full jitter, so that rivals do not meet again: from the second conflict on up to 2, 4, 8 … 128 milliseconds. */
function pause(attempt: number): Promise<void> {
  const most = Math.min(128, 2 ** attempt);
  return new Promise((resolve) => setTimeout(resolve, Math.random() * most));
}
