import { randomBytes } from "node:crypto";
import pg from "pg";
import { setUp } from "../../src/adapters/message-db/index.ts";

/** Where the tests find PostgreSQL; each test file makes a database of its own there, and drops it. */
const server = process.env["NEREUS_TEST_POSTGRES"] ?? "postgres://postgres@127.0.0.1:5432/postgres";

/** Why there is no PostgreSQL to test with; undefined where there is. */
export const missingPostgres: string | undefined = await lookForServer();

async function lookForServer(): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: server, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    await client.end();
    return undefined;
  } catch (error) {
    const reason = `no PostgreSQL at ${new URL(server).host} (NEREUS_TEST_POSTGRES names another): ${String(error)}`;
    if (process.env["CI"] === "true") throw new Error(reason, { cause: error });
    console.warn(`skipped: tests of nereus/message-db: ${reason}`);
    return reason;
  }
}

/** A database of its own with Message DB in it. */
export interface MessageDbDatabase {
  readonly pool: pg.Pool;
  readonly url: string;
  /** Another pool of the same database, as another process or client has it; ended with the database. */
  anotherPool(options?: pg.PoolConfig): pg.Pool;
  empty(): Promise<void>;
  drop(): Promise<void>;
}

export async function messageDbDatabase({ isSetUp = true } = {}): Promise<MessageDbDatabase> {
  const name = `nereus_mdb_${randomBytes(6).toString("hex")}`;
  await onServer(`CREATE DATABASE ${name}`);
  const pools: pg.Pool[] = [];
  const url = new URL(server);
  url.pathname = `/${name}`;
  const anotherPool = (options: pg.PoolConfig = {}): pg.Pool => {
    const pool = new pg.Pool({ connectionString: url.href, max: 4, ...options });
    pool.on("error", () => undefined); // a connection that a test ended
    pools.push(pool);
    return pool;
  };
  const pool = anotherPool();
  if (isSetUp) await setUp({ pool });
  return {
    pool,
    url: url.href,
    anotherPool,
    async empty() {
      await pool.query("TRUNCATE message_store.messages RESTART IDENTITY");
    },
    async drop() {
      await Promise.all(pools.map((one) => one.end()));
      await onServer(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

async function onServer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
