import type { Returning } from "../model/message.ts";
import type { ProjectionClass } from "../model/projection.ts";
import type { EventMetadata } from "./projector.ts";
import type { Repositories, RepositoryClass, RepositoryOf } from "./repository.ts";
import type { Receipt, SendOptions } from "./send-options.ts";
import type { SqlTransaction } from "./unit-transaction.ts";
import type { View } from "./view.ts";

/** Tells the time. Tests hand in their own. */
export interface Clock {
  now(): Date;
}

/** Where the framework reports what no caller can be told. `console` fits. */
export interface Log {
  warn(message: string, details?: unknown): void;
  error(message: string, details?: unknown): void;
}

/** What is known of the message being handled. */
export interface MessageMetadata {
  /** UUID v7 of the command. */
  readonly id: string;
  /** The same for everything that one request led to. */
  readonly correlationId: string;
  /** The id of the message that caused this one; null for a request from outside. */
  readonly causationId: string | null;
  /** `""` where a domain has no tenants. */
  readonly tenant: string;
  /** When the events of this command happened. */
  readonly occurredAt: Date;
  /** What enrichers and the caller added: request ids and the like. Handed on to everything that the message leads to. */
  readonly extensions: Readonly<Record<string, unknown>>;
}

/** What every handler that may write gets, for as long as it runs. Its functions may be taken out by destructuring. */
export interface WorkContext {
  /** The repository of an aggregate, within this unit of work; or a custom one, by its own class. */
  readonly repository: <C extends RepositoryClass>(of: C) => RepositoryOf<C>;
  /**
   * Handles another command in this unit of work: all of it commits together. If it fails and the error is caught,
   * the whole unit of work is refused (`INNER_FAILURE_SWALLOWED`).
   */
  readonly process: <R>(command: Returning<R, "command">) => Promise<R>;
  /**
   * Hands in a command that is handled after this unit of work has committed, by an engine or by `settle`: it is stored
   * with it, or not at all. Keep the id to take the command back later, outside of handlers.
   *
   * @example
   * const { commandId } = await send(new RenewPlan({ planId }), { at: periodEnd });
   * // later: await (await domain.receipt(RenewPlan, commandId))?.cancel();
   */
  readonly send: (command: Returning<unknown, "command">, options?: SendOptions) => Promise<Pick<Receipt, "commandId">>;
  /** Asks the read side, as of the last commit. */
  readonly query: <R>(query: Returning<R, "query">) => Promise<R>;
  /**
   * The database's own transaction, in which this unit of work commits: what you write in it is stored with the rest, or not at all. A
   * handler runs again after a conflict, in a transaction of its own each time.
   *
   * @throws NereusError TRANSACTION_UNSUPPORTED on a store without SQL
   */
  readonly transaction: SqlTransaction;
  /**
   * Aborts when the time limit has passed, or a stop waits no longer: what the handler does from then on counts for nothing. Hand it to what takes
   * one: `fetch(url, { signal })`.
   */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
}

/** What the handler of a command, a use case or a subscriber gets. */
export interface CommandContext extends WorkContext {
  readonly metadata: MessageMetadata;
}

/** What the handler of an event gets. */
export interface EventContext extends WorkContext {
  /** Of the event. */
  readonly metadata: EventMetadata;
}

/** What a query handler gets. */
export interface QueryContext<Row> {
  /** The rows of the projection that the handlers are bound to. */
  readonly view: View<Row>;
  /** The rows of another projection. */
  readonly viewOf: <R extends object>(projection: ProjectionClass<R>) => View<R>;
  /** Aggregates, to read: now, at a past version, or as of a time. */
  readonly repository: <C extends RepositoryClass>(of: C) => Repositories<RepositoryOf<C>>;
  readonly query: <R>(query: Returning<R, "query">) => Promise<R>;
  readonly tenant: string;
  readonly clock: Clock;
  readonly log: Log;
}
