import { patiently } from "../patience.ts";

/** What the adapter asks of a pool of PostgreSQL connections. A `Pool` of `pg` is one. */
export interface MessageDbPool {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
  connect(): Promise<MessageDbClient>;
  on?(event: "error", listener: (error: Error) => void): unknown;
  removeListener?(event: "error", listener: (error: Error) => void): unknown;
}

/** One connection of a {@link MessageDbPool}, for a transaction of several statements. */
export interface MessageDbClient {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
  /** Gives it back; `true` ends it, since nobody knows what state it is in. */
  release(destroy?: boolean): void;
}

/**
 * A pool whose statements are sent again while the server is away. What was written already is refused by the ids of its
 * messages, and then known by them.
 */
export function patientPool(pool: MessageDbPool, patience: number): MessageDbPool {
  return {
    query: (text, values) => patiently(patience, () => pool.query(text, values)),
    connect: () => pool.connect(),
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
