import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { NereusError } from "../../model/errors.ts";
import { setUpFix, storeFault } from "./faults.ts";
import { correlationOf } from "./log-query.ts";
import { type MessageDbClient, type MessageDbPool, rowsOf } from "./pool.ts";

/** The parts of the package, in the order of its own scripts. */
const parts: Readonly<Record<string, readonly string[]>> = {
  schema: ["message-store"],
  tables: ["messages"],
  types: ["message"],
  functions: [
    "message-store-version",
    "hash-64",
    "acquire-lock",
    "category",
    "is-category",
    "id",
    "cardinal-id",
    "stream-version",
    "write-message",
    "get-stream-messages",
    "get-category-messages",
    "get-last-stream-message",
  ],
  indexes: ["messages-id", "messages-stream", "messages-category"],
  views: [
    "stream-summary",
    "type-summary",
    "stream-type-summary",
    "type-stream-summary",
    "category-type-summary",
    "type-category-summary",
  ],
  privileges: ["schema", "table", "sequence", "functions", "views"],
};

/** Any number: the lock that keeps two set-ups apart. */
const lock = 4_061_969_203;

/** What the adapter calls. */
const needed = [
  "message_store.acquire_lock(character varying)",
  "message_store.category(character varying)",
  "message_store.stream_version(character varying)",
  "message_store.write_message(character varying,character varying,character varying,jsonb,jsonb,bigint)",
  "message_store.get_category_messages(character varying,bigint,bigint,character varying,bigint,bigint,character varying)",
] as const;

/**
 * Installs Message DB in the pool's database, from the package `@eventide/message-db`, and an index for reads by correlation. What is
 * there already stays as it is, so that it can be run again, and on a database that other clients use.
 *
 * @throws NereusError STORE_NOT_SET_UP without the package, STORE_RIGHT_MISSING for a user without the rights
 * @example
 * const pool = new Pool({ connectionString: process.env.MESSAGE_STORE_URL });
 * await setUp({ pool });
 */
export async function setUp({ pool }: { readonly pool: MessageDbPool }): Promise<void> {
  try {
    if ((await missingFunctions(pool)).length > 0) await install(pool);
    // does not hold up those who write; not possible in a transaction
    await pool.query(
      "CREATE INDEX CONCURRENTLY IF NOT EXISTS nereus_messages_correlation " +
        `ON message_store.messages (md5(${correlationOf}), global_position)`,
    );
  } catch (error) {
    throw storeFault(error, "message-db");
  }
}

/** @throws NereusError STORE_NOT_SET_UP or STORE_INCOMPATIBLE */
export async function assertSetUp(pool: MessageDbPool, store: string): Promise<void> {
  const missing = await missingFunctions(pool);
  if (missing.length > 0) {
    throw new NereusError("STORE_NOT_SET_UP", `The database of ${store} has no ${missing.join(", ")}.`, {
      element: store,
      fix: setUpFix,
    });
  }
  const [row] = await rowsOf<{ cache: string }>(
    pool,
    `SELECT seqcache::text AS cache FROM pg_catalog.pg_sequence
     WHERE seqrelid = 'message_store.messages_global_position_seq'::regclass`,
  );
  if (row?.cache === "1") return;
  throw new NereusError("STORE_INCOMPATIBLE", `Connections to ${store} take positions in advance, so order is lost.`, {
    element: store,
    fix: "Run ALTER SEQUENCE message_store.messages_global_position_seq CACHE 1, and end all connections.",
  });
}

async function missingFunctions(on: Pick<MessageDbPool, "query">): Promise<readonly string[]> {
  const text = "SELECT name FROM unnest($1::text[]) AS name WHERE to_regprocedure(name) IS NULL";
  return (await rowsOf<{ name: string }>(on, text, [needed])).map(({ name }) => name);
}

async function install(pool: MessageDbPool): Promise<void> {
  const scripts = await scriptsOf(folderOfPackage());
  const client = await pool.connect();
  let isDone = false;
  try {
    await client.query("BEGIN");
    await client.query("SELECT pg_advisory_xact_lock($1)", [lock]);
    // another set-up may have had the lock before
    if ((await missingFunctions(client)).length > 0) await runAll(client, scripts);
    await client.query("COMMIT");
    isDone = true;
  } finally {
    client.release(!isDone);
  }
}

async function runAll(client: MessageDbClient, scripts: readonly string[]): Promise<void> {
  const [role] = await rowsOf(client, "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'message_store'");
  if (role === undefined) await client.query("CREATE ROLE message_store WITH LOGIN");
  for (const script of scripts) await client.query(script);
}

async function scriptsOf(folder: string): Promise<readonly string[]> {
  const paths = Object.entries(parts).flatMap(([part, names]) =>
    names.map((name) => join(folder, "database", part, `${name}.sql`)),
  );
  return Promise.all(paths.map((path) => readFile(path, "utf8")));
}

function folderOfPackage(): string {
  const name = "@eventide/message-db/package.json";
  for (const from of [import.meta.url, join(process.cwd(), "index.js")]) {
    try {
      return dirname(createRequire(from).resolve(name));
    } catch {
      // looked for from the next place
    }
  }
  throw new NereusError(
    "STORE_NOT_SET_UP",
    "The package @eventide/message-db, which has Message DB's SQL, is not installed",
    {
      fix: "Run npm install @eventide/message-db@1, or install Message DB with its own scripts.",
    },
  );
}
