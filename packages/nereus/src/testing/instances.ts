import type { AggregateInstance } from "../model/aggregate-root.ts";
import type { MessageInstance, Returning } from "../model/message.ts";

/** None of the keys of `T`: what keeps commands out of a place for events. */
type Without<T> = { readonly [K in keyof T]?: never };

/** Any event: a message that asks for nothing. */
export type EventInstance = MessageInstance & { readonly $type: string } & Without<
    Returning<unknown, "command" | "query">
  >;

/** Any command, with the type of its answer. */
export type CommandInstance<R = unknown> = MessageInstance & Returning<R, "command">;

/** Any query, with the type of its answer. */
export type QueryInstance<R = unknown> = MessageInstance & Returning<R, "query">;

/** Any aggregate in hand. */
export type AnyAggregate = AggregateInstance<unknown>;

/** The events that an aggregate lists. */
export type EventOf<A> = A extends { readonly pendingEvents: readonly (infer E)[] } ? E : never;
