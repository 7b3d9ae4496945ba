/** How one statement is sent: `name` has it prepared once on each connection. */
export interface PostgresQuery {
  readonly text: string;
  readonly name?: string;
  readonly values?: unknown[];
  readonly rowMode?: "array";
  readonly types?: { getTypeParser(type: number, format?: string): (value: string) => unknown };
}

export interface PostgresResult {
  readonly rows: unknown[];
}

/** One connection of a {@link PostgresPool}. */
export interface PostgresClient {
  query(query: PostgresQuery): Promise<PostgresResult>;
  on(event: string, listener: (event: PostgresNotification) => void): unknown;
  removeListener(event: string, listener: (event: PostgresNotification) => void): unknown;
  removeAllListeners?(event: string): unknown;
  /** The number that the server gave the connection's session, as `pg` has it. */
  readonly processID?: number | null;
  /** Gives it back; `true` ends it, since it was set up for one purpose, or nobody knows its state. */
  release(destroy?: boolean): void;
}

/** What a client hands to the listeners of `notification`; those of `error` get the error. */
export interface PostgresNotification {
  readonly channel?: string;
  readonly payload?: string | undefined;
}

/** What the store asks of a pool of PostgreSQL connections. A `Pool` of `pg` is one. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
  query(query: PostgresQuery): Promise<PostgresResult>;
  on?(event: "error", listener: (error: Error) => void): unknown;
  removeListener?(event: "error", listener: (error: Error) => void): unknown;
  /** What it tells of itself, for errors: connections in all, idle ones, and calls that wait for one. */
  readonly totalCount?: number | undefined;
  readonly idleCount?: number | undefined;
  readonly waitingCount?: number | undefined;
  readonly options?: { readonly max?: number } | undefined;
}

/** The rows of a query with `rowMode: "array"`. */
export async function rowsOn(
  on: Pick<PostgresClient, "query">,
  query: PostgresQuery,
): Promise<readonly (readonly unknown[])[]> {
  const { rows } = await on.query(query);
  return rows as (readonly unknown[])[];
}
