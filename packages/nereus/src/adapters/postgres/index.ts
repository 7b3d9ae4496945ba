import { type Duration, millisecondsOf } from "../../model/duration.ts";
import { NereusError } from "../../model/errors.ts";
import type { Store } from "../../ports/store.ts";
import { givenPool, ownPool } from "./open-pool.ts";
import type { PostgresPool } from "./pool.ts";
import { defaultSchema } from "./schema.ts";
import { PostgresStore } from "./store.ts";

export type {
  PostgresClient,
  PostgresNotification,
  PostgresPool,
  PostgresQuery,
  PostgresResult,
} from "./pool.ts";
export { type SetUpOptions, setUp } from "./schema.ts";

export interface PostgresOptions {
  /** A `Pool` of `pg` with at least 3 connections. Whoever made it ends it, after the store was closed. */
  readonly pool?: PostgresPool;
  /** In place of a pool: the store has one of its own, which needs the package `pg`. */
  readonly connectionString?: string;
  /** Where the store's tables are, those of the collections among them. Default: `"nereus"`. */
  readonly schema?: string;
  /** Whether opening the store also runs `setUp`. Default: false, since it needs the right to create a schema. */
  readonly setUp?: boolean;
  /** How long a server that is away is waited for, 0: not at all. Default: 10 seconds. */
  readonly patience?: Duration;
  /**
   * Whether a pooler is between that gives each transaction another session, such as PgBouncer in transaction mode. Default: found
   * out. `false` for one in session mode: statements are then prepared, and notifications heard.
   */
  readonly pooler?: boolean;
  /**
   * A way past the pooler, for one connection that hears at once what other processes have written; needs the package `pg`. Without it
   * a store behind a pooler looks once a second.
   */
  readonly listenConnectionString?: string;
  /** Nothing is written, also when it is opened: for queries and views on a standby, or as a role that may only read. Default: false. */
  readonly readOnly?: boolean;
}

/**
 * A durable store in a schema of a PostgreSQL database (14 or newer). Concurrent commits of a process share a round trip and a
 * transaction; any number of processes may use the same schema.
 *
 * The schema can be read with any SQL tool: the view `nereus_log` shows the messages, and each projection and
 * state-stored aggregate has a table of its own name, with a column for each field.
 *
 * @param options A connection string, or where the database is and how it is used.
 * @example
 * const pool = new Pool({ connectionString: process.env.DATABASE_URL });
 * await setUp({ pool });
 * const bank = new Domain("bank", { store: postgres({ pool }), elements });
 * @throws NereusError OPTION_INVALID
 */
export function postgres(options: string | PostgresOptions): Store {
  const given: PostgresOptions = typeof options === "string" ? { connectionString: options } : options;
  const fault = faultIn(given);
  if (fault !== undefined) {
    throw new NereusError("OPTION_INVALID", `A PostgreSQL store cannot be made: ${fault}`, {
      fix: 'Write postgres({ pool }) or postgres("postgresql://…"), with { schema, setUp, patience, readOnly } if need be.',
    });
  }
  const { pool, connectionString = "", listenConnectionString: listen, pooler } = given;
  const { schema = defaultSchema, setUp = false, patience = 10_000, readOnly = false } = given;
  return new PostgresStore({
    schema,
    setUp,
    patience: millisecondsOf(patience),
    pooler,
    readOnly,
    listeners: listen === undefined ? undefined : () => ownPool(listen),
    pool: pool === undefined ? () => ownPool(connectionString) : async () => givenPool(pool),
  });
}

function faultIn(options: PostgresOptions): string | undefined {
  if (typeof options !== "object" || options === null) return "the options are not an object";
  const { pool, connectionString, listenConnectionString, schema = defaultSchema, patience = 0, ...flags } = options;
  if ((pool === undefined) === (connectionString === undefined)) return "it needs a pool or a connectionString";
  if (pool !== undefined && (typeof pool?.query !== "function" || typeof pool.connect !== "function")) {
    return "pool is no pool of connections";
  }
  for (const [name, text] of Object.entries({ connectionString, listenConnectionString })) {
    if (text !== undefined && (typeof text !== "string" || text.trim() === "")) return `the ${name} is not a text`;
  }
  if (!isName(schema)) return `schema is ${JSON.stringify(schema)}`;
  if (Number.isNaN(millisecondsOf(patience))) return `patience is ${String(patience)}`;
  return faultInFlags(flags);
}

function faultInFlags({ setUp, pooler, readOnly, ...unknown }: Pick<PostgresOptions, "setUp" | "pooler" | "readOnly">) {
  const [name] = Object.keys(unknown);
  if (name !== undefined) return `there is no option ${name}`;
  for (const [flag, value] of Object.entries({ setUp, pooler, readOnly })) {
    if (value !== undefined && typeof value !== "boolean") return `${flag} is ${String(value)}`;
  }
  if (setUp === true && readOnly === true) return "setUp writes, and readOnly is true";
  return undefined;
}

/** PostgreSQL keeps `pg_` for itself, and cuts longer names. */
function isName(schema: unknown): boolean {
  if (typeof schema !== "string" || schema === "" || !schema.isWellFormed() || schema.includes("\0")) return false;
  return Buffer.byteLength(schema) <= 63 && !schema.startsWith("pg_");
}
