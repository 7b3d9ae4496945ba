import type { AggregateClass } from "../model/aggregate-root.ts";
import type { Returning } from "../model/message.ts";
import type { ProjectionClass } from "../model/projection.ts";
import type { ReadRepository, Repository } from "./repository.ts";
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
}

/** What a command handler gets. Good until the handler ends. Its functions may be taken out by destructuring. */
export interface CommandContext {
  /** The repository of an aggregate, within this unit of work. */
  readonly repository: <A extends object>(aggregate: AggregateClass<A>) => Repository<A>;
  /**
   * Handles another command in this unit of work: all of it commits together. If it fails and the error is caught,
   * the whole unit of work is refused (`INNER_FAILURE_SWALLOWED`).
   */
  readonly process: <R>(command: Returning<R, "command">) => Promise<R>;
  /** Asks the read side, as of the last commit. */
  readonly query: <R>(query: Returning<R, "query">) => Promise<R>;
  readonly metadata: MessageMetadata;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a query handler gets. */
export interface QueryContext<Row> {
  /** The rows of the projection that the handlers are bound to. */
  readonly view: View<Row>;
  /** The rows of another projection. */
  readonly viewOf: <R extends object>(projection: ProjectionClass<R>) => View<R>;
  /** Aggregates, to read: now, at a past version, or as of a time. */
  readonly repository: <A extends object>(aggregate: AggregateClass<A>) => ReadRepository<A>;
  readonly query: <R>(query: Returning<R, "query">) => Promise<R>;
  readonly tenant: string;
  readonly clock: Clock;
  readonly log: Log;
}
