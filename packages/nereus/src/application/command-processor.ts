import { hash } from "node:crypto";
import { AggregateRoot, aggregateIdentity } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import { ConcurrencyError, isNereusError, NereusError } from "../model/errors.ts";
import { encodeMessage, messageDefinition, messageId, type Returning } from "../model/message.ts";
import { assertJson } from "../model/wire.ts";
import type { Conflict, IdempotencyRecord } from "../ports/store.ts";
import type { Cause } from "./cause.ts";
import type { Clock, CommandContext } from "./context.ts";
import { HandlerContext } from "./handler-context.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { cacheKey, streamOf } from "./loading.ts";
import { absent } from "./past.ts";
import type { QueryProcessor } from "./query-processor.ts";
import type { CommandRoute, Runtime } from "./registry.ts";
import { type Carried, UnitOfWork } from "./unit-of-work.ts";

/** How one command is to be processed. */
export interface ProcessOptions {
  /**
   * Makes the command take effect once: the same key with the same command answers the first result, with another
   * one it is an error. Bound to the tenant; kept in the transaction of the command.
   */
  readonly idempotencyKey?: string;
  /** The version that the aggregate must be at (as an If-Match header says); no retry then. */
  readonly expectedVersion?: number;
  /** Taken over from the request; by default the command's own id. */
  readonly correlationId?: string;
  /** The id of the message that led to this command, if one did. */
  readonly causationId?: string;
  /** Later than this, the command is refused. */
  readonly deadline?: Date;
  readonly tenant?: string;
  /** When its events happened, if not now (imports, late facts). */
  readonly occurredAt?: Date;
  /** W3C trace context of the request. */
  readonly traceparent?: string;
}

/** What a command came to. */
export interface Processed {
  readonly result: unknown;
  /** The log's position when its effects were in. */
  readonly position: number;
}

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
    assertOptions(options);
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

  async #once(task: Task & { readonly idempotency: Claim }): Promise<Processed> {
    const { tenant, key } = task.idempotency;
    const record = await this.#runtime.store.records.idempotency(tenant, key);
    if (record === undefined) return this.#attempts(task);
    assertSameCommand(record, task.idempotency);
    return remembered(record);
  }

  /** Tries until the command is committed, refused, or out of retries. */
  async #attempts(task: Task): Promise<Processed> {
    const { turn, options } = task;
    const wait = turn === undefined ? undefined : this.#queue.enter(turn);
    if (wait !== undefined) await this.#inTurn(wait, task);
    try {
      let carried: Carried = nothingCarried;
      for (let attempt = 0; ; attempt++) {
        assertInTime(task, this.#runtime.clock);
        const unit = new UnitOfWork(this.#runtime, this.#cause(task), carried);
        const step = await this.#attempt(task, unit);
        if ("position" in step) return step;
        if (attempt >= this.#runtime.retries || options.expectedVersion !== undefined) {
          throw outOfRetries(task, attempt, step.again);
        }
        carried = unit.carry(step.again);
        if (attempt > 2) await pause(attempt);
      }
    } finally {
      if (turn !== undefined) this.#queue.leave(turn);
    }
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
    try {
      if (task.options.expectedVersion !== undefined)
        await this.#assertVersion(task, unit, task.options.expectedVersion);
      const handled = this.#run(task.route, task.command, task.id, unit);
      result = handled instanceof Promise ? await handled : handled;
      if (!unit.wrote && (await unit.wasStale())) return { again: undefined };
    } catch (error) {
      if (await unit.wasStale()) return { again: undefined };
      unit.abandon();
      throw error;
    }
    const record =
      task.idempotency === undefined ? undefined : { ...task.idempotency, result: encodeResult(task, result) };
    const outcome = await unit.commit(record);
    if (outcome.status === "duplicate") return remembered(bound(outcome.record, task));
    if (outcome.status === "conflict") {
      refuseExisting(task, outcome.conflict);
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

  #context(command: object, unit: UnitOfWork): CommandContext {
    const process = <R>(inner: Returning<R>): Promise<R> => this.#nested(inner, unit) as Promise<R>;
    const query = <R>(question: Returning<R>): Promise<R> =>
      this.#queries.ask(question, unit.cause.tenant) as Promise<R>;
    return new HandlerContext(this.#runtime, unit, messageId(command), process, query);
  }

  #route(command: object): CommandRoute {
    const own = messageDefinition(command, "command");
    const route = own === undefined ? undefined : this.#runtime.registry.commands.get(own.name);
    if (route !== undefined) return route;
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
      recordedAt,
      occurredAt: options.occurredAt?.getTime() ?? recordedAt,
      correlationId: options.correlationId ?? id,
      causationId: options.causationId ?? null,
      traceparent: options.traceparent ?? null,
      extensions: null,
    };
  }
}

/** Milliseconds after which a command that waits for others of its aggregate is reported. */
const longWait = 10_000;
const nothingCarried: Carried = new Map();

interface Claim {
  readonly tenant: string;
  readonly key: string;
  readonly fingerprint: string;
}

interface Task {
  readonly command: object;
  readonly route: CommandRoute;
  readonly id: string | undefined;
  /** The key of the aggregate whose turn the command waits for, if it names one. */
  readonly turn: string | undefined;
  readonly options: ProcessOptions;
  readonly idempotency: Claim | undefined;
}

function assertOptions({ tenant, deadline, occurredAt, expectedVersion, idempotencyKey }: ProcessOptions): void {
  for (const [name, date] of [
    ["deadline", deadline],
    ["occurredAt", occurredAt],
  ] as const) {
    if (date !== undefined && Number.isNaN(date.getTime())) throw badOption(name, "is not a valid Date");
  }
  if (expectedVersion !== undefined && !Number.isSafeInteger(expectedVersion)) {
    throw badOption("expectedVersion", "is not a whole number");
  }
  for (const [name, text] of [
    ["tenant", tenant],
    ["idempotencyKey", idempotencyKey],
  ] as const) {
    if (text !== undefined && (!text.isWellFormed() || text.includes("\0"))) {
      throw badOption(name, "contains NUL or a lone surrogate");
    }
  }
}

function badOption(name: string, fault: string): NereusError {
  return new NereusError("OPTION_INVALID", `The option ${name} ${fault}`, {
    fix: `Give another ${name}, or leave it out.`,
  });
}

/** What an idempotency key is bound to: tenant, command type and payload. */
function claimOf(command: object, key: string, { tenant = "" }: ProcessOptions): Claim {
  const { name } = messageDefinition(command, "command") ?? { name: "" };
  return { tenant, key, fingerprint: hash("sha256", `${name}\n${JSON.stringify(encodeMessage(command))}`) };
}

/** Goes on with a value now, or with a promise's value when it is there. */
function whenever(value: unknown, next: (value: unknown) => unknown): unknown {
  return value instanceof Promise ? value.then(next) : next(value);
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

/** A `create` that finds the aggregate there already is a mistake or a repetition, not a race to win. */
function refuseExisting({ route }: Task, conflict: Conflict): void {
  const { name } = route.aggregate[definition];
  const isStream = conflict.on === "stream" && conflict.expected === "none";
  const isDocument = conflict.on === "document" && conflict.expected === "none" && conflict.current !== undefined;
  if (!isStream && !isDocument) return;
  const category = conflict.on === "stream" ? conflict.stream.category : conflict.collection;
  const id = conflict.on === "stream" ? conflict.stream.id : conflict.id;
  if (isDocument && category !== name) return; // an inline projection's row: another command was faster
  throw new ConcurrencyError("AGGREGATE_EXISTS", `${category} ${id} exists already`, {
    element: category,
    fix: "Use another identity, or change the one that exists.",
  });
}

function outOfRetries({ route, id, options }: Task, attempt: number, conflict: Conflict | undefined): NereusError {
  const { name } = route.aggregate[definition];
  if (options.expectedVersion !== undefined) {
    return new ConcurrencyError("EXPECTED_VERSION_MISMATCH", `${name} ${id ?? ""} changed meanwhile`, {
      element: name,
      fix: "Read it again, decide again, and give the version that you read.",
    });
  }
  const where = conflict === undefined ? "" : ` on ${describeConflict(conflict)}`;
  return new ConcurrencyError(
    "CONCURRENCY_CONFLICT",
    `${name} ${id ?? ""}: ${attempt + 1} attempts met conflicts${where}`,
    {
      element: name,
      fix: "Try again later; if it happens often, split the aggregate or raise the domain's retries.",
    },
  );
}

function describeConflict(conflict: Conflict): string {
  if (conflict.on === "stream") return `${conflict.stream.category} ${conflict.stream.id}`;
  return conflict.on === "document" ? `${conflict.collection} ${conflict.id}` : conflict.name;
}

function assertSameCommand(record: IdempotencyRecord, claim: Claim): void {
  if (record.fingerprint === claim.fingerprint) return;
  throw new NereusError("IDEMPOTENCY_KEY_REUSED", `The idempotency key ${claim.key} belongs to another command`, {
    fix: "Use one key per intended effect: the same key only for the same command with the same fields.",
  });
}

function bound(record: IdempotencyRecord, { idempotency }: Task): IdempotencyRecord {
  if (idempotency !== undefined) assertSameCommand(record, idempotency);
  return record;
}

function remembered({ result, position }: IdempotencyRecord): Processed {
  return { result: result === null ? undefined : JSON.parse(result), position };
}

function encodeResult({ route }: Task, result: unknown): string | null {
  if (result === undefined) return null;
  try {
    assertJson(result, []);
  } catch (error) {
    throw new NereusError("RESULT_NOT_SERIALISABLE", "The handler's result cannot be kept for its idempotency key", {
      element: route.aggregate[definition].name,
      cause: isNereusError(error) ? error : undefined,
      fix: "Answer text, numbers, booleans, lists and plain objects from commands that carry a key.",
    });
  }
  return JSON.stringify(result);
}

/** Full jitter, so that rivals do not meet again: up to 2, 4, 8 … 64 milliseconds. */
function pause(attempt: number): Promise<void> {
  const most = Math.min(64, 2 ** (attempt - 2));
  return new Promise((resolve) => setTimeout(resolve, Math.random() * most));
}
