import { randomBytes } from "node:crypto";
import { userInfo } from "node:os";
import pg from "pg";
import { type PostgresOptions, postgres } from "../../src/adapters/postgres/index.ts";
import type { Store } from "../../src/ports/store.ts";
import { makeCluster, type PostgresCluster, whyNoCluster } from "./postgres-cluster.ts";
import { until } from "./until.ts";

/** A database that a test file has for itself. */
export interface TestDatabase {
  readonly pool: pg.Pool;
  readonly url: string;
  /** Another pool of the same database, as another process has it; ended with the database. */
  anotherPool(options?: pg.PoolConfig): pg.Pool;
  drop(): Promise<void>;
}

const found: { url?: string; cluster?: PostgresCluster; missing?: string } = await findServer();

/** Why there is no PostgreSQL to test with; undefined where there is. */
export const missingPostgres: string | undefined = found.missing;

/** Where NEREUS_TEST_POSTGRES or the PG… variables say, else at the usual address, else one that is made for the tests. */
async function findServer(): Promise<typeof found> {
  const { NEREUS_TEST_POSTGRES, PGHOST, PGPORT, PGUSER, CI } = process.env;
  const user = PGUSER ?? (PGHOST === undefined ? "postgres" : userInfo().username);
  const url = NEREUS_TEST_POSTGRES ?? `postgres://${user}@${PGHOST ?? "127.0.0.1"}:${PGPORT ?? 5432}/postgres`;
  const fault = await faultOf(url);
  if (fault === undefined) return { url };
  const reason = `no PostgreSQL at ${new URL(url).host} (NEREUS_TEST_POSTGRES names another): ${String(fault)}`;
  const why = NEREUS_TEST_POSTGRES === undefined ? whyNoCluster() : "";
  if (why === undefined) {
    const cluster = await makeCluster();
    process.once("exit", () => cluster.remove());
    return { url: cluster.url, cluster };
  }
  if (CI === "true") throw new Error(reason, { cause: fault });
  const missing = [reason, why].filter((part) => part !== "").join("; ");
  console.warn(`skipped: tests of nereus/postgres: ${missing}`);
  return { missing };
}

async function faultOf(url: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    await client.end();
    return undefined;
  } catch (error) {
    return error;
  }
}

export async function testDatabase(options: pg.PoolConfig = {}): Promise<TestDatabase> {
  const name = `nereus_test_${randomBytes(6).toString("hex")}`;
  await onServer(`CREATE DATABASE ${name}`);
  const pools: pg.Pool[] = [];
  const url = new URL(found.url ?? "");
  url.pathname = `/${name}`;
  const anotherPool = (more: pg.PoolConfig = {}): pg.Pool => {
    // A test file makes many pools: what idles is given back soon, since all files share the server's connections.
    const idle = { idleTimeoutMillis: 1000 };
    const pool = new pg.Pool({ connectionString: url.href, max: 5, ...idle, ...options, ...more });
    pools.push(pool);
    return pool;
  };
  return {
    pool: anotherPool(),
    url: url.href,
    anotherPool,
    async drop() {
      await Promise.all(pools.map((pool) => pool.end()));
      // A pool has ended before the server knows it, and a session that is ended by force tells its client so.
      await until(async () => (await sessionsOf(name)) === 0).catch(() => undefined);
      await onServer(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

/** A name for a schema that no other test has. */
export function newSchema(): string {
  return `s_${randomBytes(6).toString("hex")}`;
}

/** Leaves a schema as it was set up, if it was. */
export async function emptySchema(pool: pg.Pool, schema: string): Promise<void> {
  await pool.query(`DO $do$
    DECLARE
      name text;
    BEGIN
      IF to_regclass('"${schema}".nereus_migrations') IS NULL THEN
        RETURN;
      END IF;
      SET LOCAL search_path TO "${schema}";
      FOR name IN SELECT table_name FROM nereus_collections LOOP
        EXECUTE format('DROP TABLE IF EXISTS %I CASCADE', name);
      END LOOP;
      DELETE FROM nereus_messages;
      DELETE FROM nereus_types;
      DELETE FROM nereus_categories;
      DELETE FROM nereus_checkpoints;
      DELETE FROM nereus_outcomes;
      DELETE FROM nereus_outbox;
      DELETE FROM nereus_timers;
      DELETE FROM nereus_notes;
      DELETE FROM nereus_batches;
      DELETE FROM nereus_collections;
      DELETE FROM nereus_removed;
      ALTER SEQUENCE nereus_position RESTART;
      ALTER TABLE nereus_outbox ALTER COLUMN sequence RESTART;
    END
  $do$`);
}

/** A store in a schema of its own, not open yet. */
export function storeIn(database: TestDatabase, options: Partial<PostgresOptions> = {}): Store {
  return postgres({ pool: database.pool, schema: newSchema(), setUp: true, ...options });
}

async function sessionsOf(database: string): Promise<number> {
  const [row] = await onServer(`SELECT count(*)::integer AS n FROM pg_stat_activity WHERE datname = '${database}'`);
  return (row as { n: number }).n;
}

async function onServer(statement: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: found.url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}
