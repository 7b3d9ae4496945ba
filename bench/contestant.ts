/** What a contestant implements. A cell runs in a process of its own, so nothing here outlives one cell. */
import type { HistoryName } from "./history.ts";
import type { AddItem, OrderEvent, OrderState, OrderSummary, PlaceOrder } from "./order.ts";

/** Ratios are taken among contestants on the same kind of store. */
export type StoreKind = "sqlite" | "memory" | "postgres";

/**
 * `directory` and, on PostgreSQL, the `database` (its address) are empty but for what `seed` wrote there, belong to this
 * cell, and are removed after it. A contestant in memory has no `seed` and loads `historyOf(place.history)` itself, each
 * time it is opened.
 */
export type Place = { directory: string; history: HistoryName; database: string };

export interface Contestant {
  /** Unique; what `--only` matches, whole or by its beginning. */
  readonly name: string;
  readonly store: StoreKind;
  /** The limit that others are compared with; at most one for each store and ability. */
  readonly raw?: boolean;
  /** What "acknowledged" means here, read from the running engine where it can be. */
  durability(place: Place): Promise<string>;
  /** Writes `historyOf(place.history)` to files or tables, as fast as it likes: it is not measured. */
  seed?(place: Place): Promise<void>;

  appender?(place: Place): Promise<Appender>;
  /** In place of `appender`: a program that appends by itself, with so many callers, and reports. */
  appendProgram?(place: Place, callers: number, seconds: number): Promise<ProgramReport>;
  commandRunner?(place: Place): Promise<CommandRunner>;
  hydrator?(place: Place): Promise<Hydrator>;
  catchUp?(place: Place): Promise<CatchUp>;
  visibility?(place: Place): Promise<Visibility>;
}

/** append.ts. Called concurrently, never twice with one order. */
export interface Appender {
  /** Resolves when the event is durable; expects a stream that does not exist yet, and checks that. */
  append(orderId: string, event: OrderEvent): Promise<unknown>;
  /** How many events the store holds, as another connection sees it: at least those acknowledged. */
  stored(): Promise<number>;
  close(): Promise<void>;
}

/** command.ts. Called concurrently, but not twice at a time for one order. Validate, load, decide, append. */
export interface CommandRunner {
  place(command: PlaceOrder): Promise<unknown>;
  addItem(command: AddItem): Promise<unknown>;
  /** As in Appender; the events of the history count. */
  stored(): Promise<number>;
  close(): Promise<void>;
}

/** hydration.ts. Called by one caller at a time. No cache, no snapshot: every event is read and folded. */
export interface Hydrator {
  load(orderId: string): Promise<OrderState>;
  close(): Promise<void>;
}

/** catch-up.ts. One row for each order, kept in the same store as the events, with a checkpoint that survives a crash. */
export interface CatchUp {
  /** Applies all events from the start of the log; gives up at `deadline` (of `performance.now()`). The events applied. */
  run(deadline: number): Promise<number>;
  rows(): Promise<OrderSummary[]>;
  close(): Promise<void>;
}

/** What one operation is: a command or append, and then reads until the row it leads to is there. */
export interface Visibility {
  placeAndSee(command: PlaceOrder): Promise<unknown>;
  close(): Promise<void>;
}

/** What a program of its own found. */
export type ProgramReport = { operations: number; failures: number; milliseconds: number; latencies: number[] };

export const abilities = ["appender", "appendProgram", "commandRunner", "hydrator", "catchUp", "visibility"] as const;
export type Ability = (typeof abilities)[number];
