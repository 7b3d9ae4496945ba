import { hash } from "node:crypto";
import { patiently } from "../patience.ts";
import { PoolLine } from "../pool-line.ts";
import { codeOf } from "../server-answers.ts";

/** A statement that the server plans once for each connection. A client of `pg` takes it as it is. */
export interface PreparedQuery {
  readonly name: string;
  readonly text: string;
  readonly values: unknown[];
}

/** What the adapter asks of a pool of PostgreSQL connections. A `Pool` of `pg` is one. */
export interface MessageDbPool {
  query(query: string | PreparedQuery, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
  connect(): Promise<MessageDbClient>;
  on?(event: "error", listener: (error: Error) => void): unknown;
  removeListener?(event: "error", listener: (error: Error) => void): unknown;
  /** What it tells of itself, for errors: connections in all, idle ones, and calls that wait for one. */
  readonly totalCount?: number | undefined;
  readonly idleCount?: number | undefined;
  readonly waitingCount?: number | undefined;
  readonly options?: { readonly max?: number } | undefined;
}

/** One connection of a {@link MessageDbPool}, for a transaction of several statements. */
export interface MessageDbClient {
  query(query: string | PreparedQuery, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
  /** Gives it back; `true` ends it, since nobody knows what state it is in. */
  release(destroy?: boolean): void;
  on?(event: "error", listener: () => void): unknown;
  removeListener?(event: "error", listener: () => void): unknown;
}

/**
 * A pool whose statements are sent again while the server is away. What was written already is refused by the ids of its
 * messages, and then known by them. Nobody waits for ever for a connection of it.
 *
 * @param store for messages
 */
export function patientPool(pool: MessageDbPool, store: string, patience: number): MessageDbPool {
  const line = new PoolLine(pool, store, patience);
  return {
    query: (query, values) => patiently(patience, (left) => line.with((client) => client.query(query, values), left)),
    connect: () => line.borrow(),
  };
}

/** The rows of a statement, of which the caller knows the columns. */
export async function rowsOf<Row>(
  on: Pick<MessageDbPool, "query">,
  text: string,
  values: unknown[] = [],
): Promise<readonly Row[]> {
  const { rows } = await on.query(text, values);
  return rows as readonly Row[];
}

/** PostgreSQL's answers where a pooler gives each transaction another session: it has no such statement, or has one already. */
const strangers: ReadonlySet<string> = new Set(["26000", "42P05"]);
/** Pools behind such a pooler. */
const unprepared = new WeakSet<object>();
const names = new Map<string, string>();

/** The same, planned once for each connection: only for texts that never change, and whose plan suits all values. */
export async function preparedRows<Row>(
  on: Pick<MessageDbPool, "query">,
  text: string,
  values: unknown[],
): Promise<readonly Row[]> {
  if (!unprepared.has(on)) {
    const name = names.get(text) ?? `nereus_${hash("sha256", text).slice(0, 24)}`;
    names.set(text, name);
    try {
      const { rows } = await on.query({ name, text, values });
      return rows as readonly Row[];
    } catch (error) {
      if (!strangers.has(codeOf(error))) throw error; // nothing was run yet
      unprepared.add(on);
    }
  }
  return rowsOf<Row>(on, text, values);
}
