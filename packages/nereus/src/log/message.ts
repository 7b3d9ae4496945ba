import type { Values } from "../model/values.ts";

/** What a stored message is. Facts, commands and process states never share a stream or category read with events. */
export type MessageKind = "event" | "command" | "fact" | "process" | "snapshot";

/**
 * Where a message lives. Four separate values, never one parsed string: ids and categories may contain any
 * well-formed text. The tenant is `""` where a domain has none.
 */
export interface StreamId {
  readonly tenant: string;
  readonly kind: MessageKind;
  readonly category: string;
  readonly id: string;
}

/** A message on its way into the log. `data` is its payload as JSON text. */
export interface NewMessage {
  /** UUID v7, unique in the store. */
  readonly id: string;
  readonly type: string;
  /** The version of the payload's shape, from 1. */
  readonly schemaVersion: number;
  readonly data: string;
  /** {@link checksumOf} the payload. */
  readonly checksum: number;
  /** When it was recorded: milliseconds since 1970, by the domain's clock. */
  readonly recordedAt: number;
  /** When it happened: milliseconds since 1970; the same as recordedAt unless the caller said otherwise. */
  readonly occurredAt: number;
  readonly correlationId: string;
  readonly causationId: string | null;
  /** W3C trace context of the request that caused it. */
  readonly traceparent: string | null;
  /** Application metadata as JSON text, or null. */
  readonly extensions: string | null;
}

/** What a replay needs of a message, and no more: the short row keeps hydration fast. */
export interface ReplayMessage {
  /** Its place in its stream, gapless from 0. */
  readonly version: number;
  /** Of the first and the last message of a page: by it a reader knows that the stream is still the one that it has read. */
  readonly id?: string | undefined;
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: string;
  readonly checksum: number;
  /** What `data` says, where the store has parsed it, and the checksum held. The reader may take it over. */
  readonly payload?: Values | undefined;
}

/** A message as the log returns it. */
export interface StoredMessage extends NewMessage, Omit<ReplayMessage, "id"> {
  readonly stream: StreamId;
  /** Its place in the whole log: strictly increasing, possibly with gaps, from 1. */
  readonly position: number;
}
