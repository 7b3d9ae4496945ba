import type { PostgresClient, PostgresNotification, PostgresPool, PostgresQuery, PostgresResult } from "./pool.ts";

/** A pool that prepares no statement by name, since the next one may run in another session, which does not know it. */
export function namelessPool(pool: PostgresPool): PostgresPool {
  return {
    query: (query) => pool.query(nameless(query)),
    connect: async () => namelessClient(await pool.connect()),
    get totalCount() {
      return pool.totalCount;
    },
    get idleCount() {
      return pool.idleCount;
    },
    get waitingCount() {
      return pool.waitingCount;
    },
    options: pool.options,
  };
}

/** One for each client, so that what is heard of it is heard once. */
const known = new WeakMap<PostgresClient, NamelessClient>();

function namelessClient(client: PostgresClient): NamelessClient {
  const nameless = known.get(client) ?? new NamelessClient(client);
  known.set(client, nameless);
  return nameless;
}

class NamelessClient implements PostgresClient {
  readonly #client: PostgresClient;

  constructor(client: PostgresClient) {
    this.#client = client;
  }

  /** @param more what a user's own statement has besides its text */
  query(query: PostgresQuery, ...more: unknown[]): Promise<PostgresResult> {
    const client = this.#client as { query(...all: unknown[]): Promise<PostgresResult> };
    return client.query(nameless(query), ...more);
  }

  on(event: string, listener: (event: PostgresNotification) => void): unknown {
    return this.#client.on(event, listener);
  }

  removeListener(event: string, listener: (event: PostgresNotification) => void): unknown {
    return this.#client.removeListener(event, listener);
  }

  release(destroy?: boolean): void {
    this.#client.release(destroy);
  }
}

/** Texts, and what a driver runs by itself, such as a cursor, stay as they are. */
function nameless<Query>(query: Query): Query {
  if (typeof query !== "object" || query === null || !("name" in query) || "submit" in query) return query;
  const { name: _, ...rest } = query;
  return rest as Query;
}
