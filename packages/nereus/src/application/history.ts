/** Which past of an aggregate to load; it is then read-only. */
export type PastOptions =
  | {
      /** The state right after the event with this version, from 0. */
      readonly atVersion: number;
      readonly asOf?: never;
    }
  | {
      /** The state as of this moment, inclusive: up to the first event that is later. */
      readonly asOf: Date;
      readonly atVersion?: never;
      /**
       * By when events were recorded (the default), or by when they happened: then every event that had happened by
       * this moment counts, in the order of the stream.
       */
      readonly by?: "recorded" | "occurred";
    };

/** One event of an aggregate's history. */
export interface HistoryEntry {
  /** Its place in the stream, from 0. */
  readonly version: number;
  /** The event, of its own class: tell which by `instanceof`. */
  readonly event: object;
  readonly metadata: {
    readonly id: string;
    readonly type: string;
    /** Its place in the whole log. */
    readonly position: number;
    readonly recordedAt: Date;
    readonly occurredAt: Date;
    readonly correlationId: string;
    readonly causationId: string | null;
    readonly extensions: Readonly<Record<string, unknown>>;
  };
}
