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
  /** The event, of its own class. */
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

/** Aggregates, to read. */
export interface ReadRepository<A> {
  /**
   * @throws AggregateNotFoundError AGGREGATE_NOT_FOUND, or VERSION_NOT_FOUND for a past that is not there
   * @example await repository(Account).get(id, { asOf: new Date("2026-03-15") });
   */
  get(id: string, past?: PastOptions): Promise<A>;
  /** Like `get`, but undefined if there is no such aggregate. */
  find(id: string): Promise<A | undefined>;
  exists(id: string): Promise<boolean>;
  /** The events of an event-sourced aggregate in order, read page by page. */
  history(id: string): AsyncIterable<HistoryEntry>;
}

/** Aggregates within a unit of work: loading one twice gives the same instance; what is added is saved at its end. */
export interface Repository<A> extends ReadRepository<A> {
  /**
   * Saves the aggregate with the unit of work, whether it is new or changed.
   *
   * @throws NereusError AGGREGATE_DUPLICATE for a second instance of the same aggregate
   */
  add(aggregate: A): Promise<void>;
}
