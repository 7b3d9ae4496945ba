import type { PoolClient } from "pg";
import { type PostgresOptions, type PostgresPool, postgres } from "../../src/adapters/postgres/index.ts";
import type { Store } from "../../src/ports/store.ts";
import { emptySchema, newSchema, type TestDatabase, testDatabase } from "./postgres.ts";

/** One database for each test file, made when it is first needed; schemas in it, each emptied for the next test. */
export class PostgresSchemas {
  readonly #free: string[] = [];
  readonly #stores: Store[] = [];
  readonly #connect: (database: TestDatabase) => Promise<PostgresPool>;
  readonly #options: Partial<PostgresOptions>;
  #connected: Promise<PostgresPool> | undefined;
  #database: Promise<TestDatabase> | undefined;

  /** @param connect to that database, where stores reach it in another way than the tests */
  constructor(
    connect: (database: TestDatabase) => Promise<PostgresPool> = async ({ pool }) => pool,
    options: Partial<PostgresOptions> = {},
  ) {
    this.#connect = connect;
    this.#options = options;
  }

  /** The database's pool, which can be handed in before there is a database. */
  readonly pool: PostgresPool = {
    connect: async () => (await this.#reach()).connect(),
    query: async (query) => (await this.#reach()).query(query),
  };

  /** A connection for statements of one's own. */
  async client(): Promise<PoolClient> {
    return (await this.#open()).pool.connect();
  }

  take(): string {
    return this.#free.pop() ?? newSchema();
  }

  storeIn(schema: string): Store {
    const store = postgres({ pool: this.pool, schema, setUp: true, ...this.#options });
    this.#stores.push(store);
    return store;
  }

  /** Its stores must be closed. */
  async giveBack(schema: string): Promise<void> {
    await emptySchema((await this.#open()).pool, schema);
    this.#free.push(schema);
  }

  /** A store that a test left open has a connection, for which the end of the pool would wait. */
  async drop(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.close({ atOnce: true })));
    await (await this.#database)?.drop();
  }

  async #reach(): Promise<PostgresPool> {
    const database = await this.#open();
    this.#connected ??= this.#connect(database);
    return this.#connected;
  }

  #open(): Promise<TestDatabase> {
    // Each open store keeps two connections, and a test opens up to a few.
    this.#database ??= testDatabase({ max: 24 });
    return this.#database;
  }
}
