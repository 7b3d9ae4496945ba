/** What the adapter asks of a pool of PostgreSQL connections. A `Pool` of `pg` is one. */
export interface MessageDbPool {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
  connect(): Promise<MessageDbClient>;
}

/** One connection of a {@link MessageDbPool}, for a transaction of several statements. */
export interface MessageDbClient {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
  /** Gives it back; `true` ends it, since nobody knows what state it is in. */
  release(destroy?: boolean): void;
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
