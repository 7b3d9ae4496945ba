import { NereusError } from "../../model/errors.ts";
import { setUpFix, storeFault } from "./faults.ts";
import { identifier } from "./identifiers.ts";
import { namelessPool } from "./nameless-pool.ts";
import { type PostgresClient, type PostgresPool, rowsOn } from "./pool.ts";
import { ownStatement, unprepared } from "./reads.ts";
import { isSetUp, migrations, schemaVersion } from "./statements.ts";
import { examine } from "./surroundings.ts";
import { onClient, systemNamesOnly } from "./transaction.ts";

/** The schema of a store that names no other. */
export const defaultSchema = "nereus";

export interface SetUpOptions {
  /** A `Pool` of `pg`, as a user that may create the schema. */
  readonly pool: PostgresPool;
  /** Where the store's tables are to be. Default: `"nereus"`. */
  readonly schema?: string;
}

/**
 * Makes the tables and functions of a PostgreSQL store, or brings those of an older release up to date. Safe to
 * repeat, and to run in several processes at once; tables of collections are made when the store is opened.
 *
 * @example
 * await setUp({ pool: new Pool({ connectionString: process.env.DATABASE_URL }) });
 * @throws NereusError STORE_INCOMPATIBLE for a schema of a newer release, STORE_RIGHT_MISSING, STORE_READ_ONLY on a standby,
 * STORE_DATABASE_UNSUITABLE for another encoding than UTF8, STORE_POOLER_UNSUITABLE, STORE_UNREACHABLE
 */
export async function setUp({ pool, schema = defaultSchema }: SetUpOptions): Promise<void> {
  try {
    await onClient(namelessPool(pool), async (client) => {
      await examine(client, { store: storeName(schema), readOnly: false });
      await migrate(client, schema);
    });
  } catch (error) {
    throw storeFault(error, storeName(schema));
  }
}

/** @throws NereusError STORE_NOT_SET_UP or STORE_INCOMPATIBLE unless the schema is just as this release needs it */
export async function checkSchema(pool: PostgresPool, schema: string): Promise<void> {
  const version = await versionOf(pool, schema);
  if (version === migrations.length) return;
  const found =
    version === 0 ? "has not been set up" : `has version ${version}, and this release needs ${migrations.length}`;
  throw new NereusError("STORE_NOT_SET_UP", `The schema ${schema} of the database ${found}.`, {
    element: storeName(schema),
    fix: setUpFix,
  });
}

/** For messages: without the address, which may hold a password. */
export function storeName(schema: string): string {
  return `postgres ${schema}`;
}

async function migrate(client: PostgresClient, schema: string): Promise<void> {
  const execute = (sql: string): Promise<unknown> => client.query({ text: sql });
  await execute(`BEGIN ISOLATION LEVEL READ COMMITTED; ${systemNamesOnly}`);
  await client.query(
    unprepared("SELECT pg_advisory_xact_lock(hashtextextended('nereus set-up ' || $1, 0))::text", [schema]),
  );
  const version = await versionOf(client, schema);
  if (version < migrations.length) {
    // Without the right to create one, a schema that is there already will do.
    const [there] = await rowsOn(client, unprepared("SELECT 1 FROM pg_namespace WHERE nspname = $1", [schema]));
    if (there === undefined) await execute(`CREATE SCHEMA ${identifier(schema)}`);
    // PostgreSQL's own names come first unless they are listed; those of the session only come last where they are.
    await execute(`SET LOCAL search_path TO ${identifier(schema)}, pg_temp`);
    await execute("SET LOCAL plpgsql.extra_errors TO 'none'"); // a role may have warnings of PL/pgSQL be errors
    for (const [at, migration] of migrations.entries()) {
      if (at < version) continue;
      await execute(migration);
      await client.query(unprepared("INSERT INTO nereus_migrations (number) VALUES ($1)", [at + 1]));
    }
  }
  await execute("COMMIT");
}

/** @throws NereusError STORE_INCOMPATIBLE for a newer one */
async function versionOf(on: Pick<PostgresClient, "query">, schema: string): Promise<number> {
  const [there] = await rowsOn(on, unprepared(isSetUp, [schema]));
  if (there === undefined) return 0;
  const [row] = await rowsOn(on, ownStatement(schema, schemaVersion).with());
  const version = Number(row?.[0]);
  if (version <= migrations.length) return version;
  const message = `The schema ${schema} of the database was set up by a newer release of Nereus: it has version ${version}, and this release knows ${migrations.length}.`;
  throw new NereusError("STORE_INCOMPATIBLE", message, { element: storeName(schema), fix: "Update nereus." });
}
