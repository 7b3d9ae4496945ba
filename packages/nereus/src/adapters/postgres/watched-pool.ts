import { type PoolCounts, PoolLine } from "../pool-line.ts";
import type { PostgresClient, PostgresPool, PostgresQuery, PostgresResult } from "./pool.ts";

/** A pool in whose line nobody waits for ever. */
export class WatchedPool implements PostgresPool {
  readonly #line: PoolLine<PostgresClient>;

  /** @param store for messages */
  constructor(pool: PostgresPool & PoolCounts, store: string, patience: number) {
    this.#line = new PoolLine(pool, store, patience);
  }

  /** @param wait how long a connection is waited for, in milliseconds */
  query(query: PostgresQuery, wait?: number): Promise<PostgresResult> {
    return this.#line.with((client) => client.query(query), wait);
  }

  connect(): Promise<PostgresClient> {
    return this.#line.borrow();
  }

  /** Notes who keeps a connection. @returns what to call when it is given back */
  hold(name: string): () => void {
    return this.#line.hold(name);
  }
}
