import { NereusError } from "../../model/errors.ts";
import { type PostgresClient, type PostgresPool, rowsOn } from "./pool.ts";
import { unprepared } from "./reads.ts";
import { hiddenRows, missingRights } from "./statements.ts";
import type { Use } from "./surroundings.ts";
import { onClient, systemNamesOnly } from "./transaction.ts";

type Right = "SELECT" | "INSERT" | "UPDATE" | "DELETE";
type Rights = Readonly<Record<string, readonly Right[]>>;

/** What a process that writes does with the tables of the store's own, and its sequence. The log is only added to. */
export const rightsToRun: Rights = {
  nereus_migrations: ["SELECT"],
  nereus_categories: ["SELECT", "INSERT"],
  nereus_types: ["SELECT", "INSERT"],
  nereus_messages: ["SELECT", "INSERT"],
  nereus_position: ["SELECT", "UPDATE"],
  nereus_checkpoints: ["SELECT", "INSERT", "UPDATE"],
  nereus_outcomes: ["SELECT", "INSERT"],
  nereus_outbox: ["SELECT", "INSERT"],
  nereus_timers: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  nereus_notes: ["SELECT", "INSERT", "UPDATE"],
  nereus_batches: ["SELECT", "INSERT", "DELETE"],
  nereus_collections: ["SELECT"],
  nereus_removed: ["SELECT", "INSERT", "UPDATE"],
};

/** What only a process that writes looks at. */
const forWriting: ReadonlySet<string> = new Set(["nereus_position", "nereus_batches", "nereus_removed"]);

export const rightsToRead: Rights = Object.fromEntries(
  Object.keys(rightsToRun).flatMap((table) => (forWriting.has(table) ? [] : [[table, ["SELECT"] as const]])),
);

/**
 * Looks whether the role of the connections may do all that it is to do, before the first command finds out that it may not.
 *
 * @param collections tables of collections, which are looked at besides the store's own
 * @throws NereusError STORE_RIGHT_MISSING; STORE_DATABASE_UNSUITABLE where a process that writes would not see every row
 */
export async function refuseMissingRights(
  pool: PostgresPool,
  schema: string,
  use: Use,
  collections: readonly string[],
): Promise<void> {
  const ofTables: readonly Right[] = use.readOnly ? ["SELECT"] : ["SELECT", "INSERT", "UPDATE", "DELETE"];
  const rights: Rights = {
    ...(use.readOnly ? rightsToRead : rightsToRun),
    ...Object.fromEntries(collections.map((table) => [table, ofTables])),
  };
  await onClient(pool, async (client) => {
    await client.query(unprepared(`BEGIN; ${systemNamesOnly}`));
    await refuseMissing(client, schema, use.store, rights);
    if (!use.readOnly) await refuseHidden(client, schema, use.store, Object.keys(rights));
    await client.query(unprepared("COMMIT"));
  });
}

async function refuseMissing(client: PostgresClient, schema: string, store: string, rights: Rights): Promise<void> {
  const wanted = Object.entries(rights).flatMap(([table, some]) => some.map((right) => [table, right] as const));
  const tables = wanted.map(([table]) => table);
  const rows = await rowsOn(client, unprepared(missingRights, [schema, tables, wanted.map(([, right]) => right)]));
  const [first] = rows;
  if (first === undefined) return;
  const grants = rows.map(([, grant]) => String(grant));
  const message = `The role ${String(first[0])} of the connections lacks rights that the store ${store} needs.`;
  const fix = `Let the owner of the schema run: ${grants.join(" ")}`;
  throw new NereusError("STORE_RIGHT_MISSING", message, { element: store, fix });
}

async function refuseHidden(client: PostgresClient, schema: string, store: string, tables: string[]): Promise<void> {
  const rows = await rowsOn(client, unprepared(hiddenRows, [schema, tables]));
  if (rows.length === 0) return;
  const names = rows.map(([name]) => String(name)).join(", ");
  const message = `The database of the store ${store} cannot carry it: row-level security may hide rows of ${names} from its role.`;
  const fix =
    "Give the store a role with BYPASSRLS, or one that owns the tables; row-level security is for other roles.";
  throw new NereusError("STORE_DATABASE_UNSUITABLE", message, { element: store, fix });
}
