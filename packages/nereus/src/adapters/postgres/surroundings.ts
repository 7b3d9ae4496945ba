import { NereusError } from "../../model/errors.ts";
import { type PostgresClient, type PostgresPool, rowsOn } from "./pool.ts";
import { unprepared } from "./reads.ts";
import { surroundings } from "./statements.ts";
import { onClient } from "./transaction.ts";

/** Where a store's connections end. */
export interface Surroundings {
  /** Two statements of a connection may run in two sessions of the server. */
  readonly isPooled: boolean;
  /** The server follows another one: it takes no writes, and lets nobody listen. */
  readonly isStandby: boolean;
}

/** What one connection says. */
interface Examined {
  /** The number of its session. */
  readonly session: number;
  readonly isStandby: boolean;
  /** Its transactions may not write. */
  readonly isReadOnly: boolean;
}

/** What the store is to do there. */
export interface Use {
  /** Of the store, for messages. */
  readonly store: string;
  readonly readOnly: boolean;
}

/** The columns of surroundings.sql. */
type Columns = readonly [
  session: number,
  isStandby: string,
  isReadOnly: string,
  version: number,
  ...settings: [string, string, string],
];

const oldestServer = 140_000;

/**
 * Looks at the server, and at what is between.
 *
 * @param isPooled as the user says; else found out
 * @throws NereusError STORE_DATABASE_UNSUITABLE, STORE_POOLER_UNSUITABLE, STORE_READ_ONLY
 */
export function survey(pool: PostgresPool, use: Use, isPooled: boolean | undefined): Promise<Surroundings> {
  return onClient(pool, async (client) => {
    const { session, isStandby } = await examine(client, use);
    const pooled = isPooled ?? isOfPooler(client, session);
    // A pooler that gives each statement a session of its own refuses this.
    if (pooled) for (const statement of ["BEGIN", "ROLLBACK"]) await client.query(unprepared(statement));
    return { isPooled: pooled, isStandby };
  });
}

/**
 * @throws NereusError STORE_DATABASE_UNSUITABLE where texts would not come back as they were; STORE_READ_ONLY where nothing can be written that
 * is to be
 */
export async function examine(client: PostgresClient, { store, readOnly }: Use): Promise<Examined> {
  const [row] = await rowsOn(client, unprepared(surroundings));
  const [session, isStandby, isReadOnly, ...settings] = row as unknown as Columns;
  refuseUnsuitable(store, settings);
  const examined = { session, isStandby: isStandby === "true", isReadOnly: isReadOnly === "on" };
  if (!readOnly) refuseUnwritable(store, examined);
  return examined;
}

function refuseUnsuitable(store: string, [version, server, own, strings]: readonly [number, ...string[]]): void {
  if (version < oldestServer) {
    const found = `the server has version ${Math.floor(version / 10_000)}, and 14 is the oldest that will do`;
    throw unsuitable(store, found, "Use PostgreSQL 14 or newer.");
  }
  if (server !== "UTF8") {
    const fix = "Make the database anew: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.";
    throw unsuitable(store, `the database has the encoding ${server}, which cannot hold every text`, fix);
  }
  if (own !== "UTF8") {
    const fix = "Take client_encoding out of the connections' settings, or set it to UTF8.";
    throw unsuitable(store, `its connections have client_encoding ${own}, and send UTF8`, fix);
  }
  if (strings !== "on") {
    const fix = "Take standard_conforming_strings out of the settings of the database, the role or the connections.";
    throw unsuitable(store, "standard_conforming_strings is off", fix);
  }
}

function refuseUnwritable(store: string, { isStandby, isReadOnly }: Examined): void {
  if (!isStandby && !isReadOnly) return;
  const why = isStandby
    ? "the server is a standby"
    : "transactions of its connections are read-only, by their setting default_transaction_read_only";
  const way = isStandby ? "Connect it to the primary server" : "Take the setting away from the role or the database";
  throw new NereusError("STORE_READ_ONLY", `The store ${store} cannot be written: ${why}.`, {
    element: store,
    fix: `${way}; or open the store with \`readOnly: true\`, for queries and views.`,
  });
}

/** A pooler hands its clients keys of its own to cancel their statements; a server's have the session's number. */
function isOfPooler({ processID }: PostgresClient, session: number): boolean {
  return typeof processID === "number" && processID !== session;
}

function unsuitable(store: string, found: string, fix: string): NereusError {
  const message = `The database of the store ${store} cannot carry it: ${found}.`;
  return new NereusError("STORE_DATABASE_UNSUITABLE", message, { element: store, fix });
}
