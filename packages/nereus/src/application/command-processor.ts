import { hash } from "node:crypto";
import { type AggregateRoot, aggregateIdentity } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import { ConcurrencyError, isNereusError, NereusError } from "../model/errors.ts";
import { encodeMessage, messageDefinition, messageId, type Returning } from "../model/message.ts";
import { assertJson } from "../model/wire.ts";
import type { Conflict, IdempotencyRecord } from "../ports/store.ts";
import type { Cause } from "./cause.ts";
import type { CommandContext } from "./context.ts";
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

  async process(command: object, options: ProcessOptions): Promise<Processed> {
    const route = this.#route(command);
    const idempotency = await this.#claim(command, options);
    if (idempotency !== undefined && "position" in idempotency) return remembered(idempotency);
    const id = identityIn(route, command);
    const attempts = (): Promise<Processed> => this.#attempts({ command, route, id, options, idempotency });
    if (id === undefined) return attempts();
    return this.#queue.run(cacheKey(route.aggregate, options.tenant ?? "", id), attempts);
  }

  /** Tries until the command is committed, refused, or out of retries. */
  async #attempts(task: Task): Promise<Processed> {
    const { retries } = this.#runtime;
    let carried: Carried = new Map();
    for (let attempt = 0; ; attempt++) {
      assertInTime(task);
      const unit = new UnitOfWork(this.#runtime, this.#cause(task), carried);
      const step = await this.#attempt(task, unit);
      if ("done" in step) return step.done;
      if (attempt >= retries || task.options.expectedVersion !== undefined)
        throw outOfRetries(task, attempt, step.again);
      carried = unit.carry(step.again);
      if (attempt > 2) await pause(attempt);
    }
  }

  async #attempt(task: Task, unit: UnitOfWork): Promise<{ done: Processed } | { again: Conflict | undefined }> {
    let result: unknown;
    try {
      result = await this.#handle(task, unit);
      if (!unit.wrote && (await unit.wasStale())) return { again: undefined };
    } catch (error) {
      if (await unit.wasStale()) return { again: undefined };
      unit.abandon();
      throw error;
    }
    const record =
      task.idempotency === undefined ? undefined : { ...task.idempotency, result: encodeResult(task, result) };
    const outcome = await unit.commit(record);
    if (outcome.status === "duplicate") return { done: remembered(bound(outcome.record, task)) };
    if (outcome.status === "conflict") {
      refuseExisting(task, outcome.conflict);
      return { again: outcome.conflict };
    }
    unit.saved();
    return { done: { result, position: outcome.position } };
  }

  async #handle(task: Task, unit: UnitOfWork): Promise<unknown> {
    const { route, command, id, options } = task;
    if (options.expectedVersion !== undefined) await this.#assertVersion(task, unit, options.expectedVersion);
    const context = this.#context(command, unit);
    return run(route, command, id, unit, context);
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
      return await run(route, command, identityIn(route, command), unit, this.#context(command, unit));
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

  /** What an idempotency key stands for: the record of an earlier command, or the claim of this one. */
  async #claim(command: object, options: ProcessOptions): Promise<Claim | IdempotencyRecord | undefined> {
    const { idempotencyKey: key, tenant = "" } = options;
    if (key === undefined) return undefined;
    const { name } = messageDefinition(command, "command") ?? { name: "" };
    const fingerprint = hash("sha256", `${name}\n${JSON.stringify(encodeMessage(command))}`);
    const claim: Claim = { tenant, key, fingerprint };
    const record = await this.#runtime.store.records.idempotency(tenant, key);
    if (record === undefined) return claim;
    assertSameCommand(record, claim);
    return record;
  }
}

interface Claim {
  readonly tenant: string;
  readonly key: string;
  readonly fingerprint: string;
}

interface Task {
  readonly command: object;
  readonly route: CommandRoute;
  readonly id: string | undefined;
  readonly options: ProcessOptions;
  readonly idempotency: Claim | undefined;
}

async function run(
  { handling, aggregate }: CommandRoute,
  command: object,
  id: string | undefined,
  unit: UnitOfWork,
  context: CommandContext,
): Promise<unknown> {
  if (handling.how === "on") return handling.run(command, context);
  if (handling.how === "create") {
    const created = (await handling.run(command, context)) as AggregateRoot;
    await context.repository(aggregate as never).add(created as never);
    return aggregateIdentity(created);
  }
  const identity = id as string; // start-up has refused update handlers whose command names no identity
  const found = await unit.load(aggregate, identity, true);
  if (found === undefined) throw absent(streamOf(aggregate, unit.cause.tenant, identity));
  const result = await handling.run(found, command, context);
  unit.add(found);
  return result;
}

function identityIn({ identityField }: CommandRoute, command: object): string | undefined {
  if (identityField === undefined) return undefined;
  const value = (command as Record<string, unknown>)[identityField];
  return value === undefined ? undefined : String(value);
}

function assertInTime({ options: { deadline }, command, route }: Task): void {
  if (deadline === undefined || route === undefined || deadline.getTime() > Date.now()) return;
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
