import { NereusError } from "../../model/errors.ts";
import type { Connection } from "./connection.ts";
import { migrations } from "./statements.ts";

/** Marks a database file as one of Nereus: "Nere" in ASCII. */
const applicationId = 0x4e657265;

/**
 * The version of a database's schema; 0 for an empty file.
 *
 * @throws NereusError `STORE_INCOMPATIBLE` for a database that is newer, or not one of Nereus.
 */
export function schemaVersion(connection: Connection): number {
  const version = setting(connection, "user_version");
  const ours = setting(connection, "application_id") === applicationId;
  if (!ours && !isEmpty(connection)) {
    throw incompatible(connection.path, "holds something else than a store of Nereus", "Name another file.");
  }
  if (version > migrations.length) {
    const versions = `its schema has version ${version}, and this release knows ${migrations.length}`;
    throw incompatible(connection.path, `was written by a newer release of Nereus (${versions})`, "Update nereus.");
  }
  return ours ? version : 0;
}

/** Brings the schema of a new or older database up to date. */
export function migrate(connection: Connection): void {
  if (schemaVersion(connection) === migrations.length) return;
  connection.transact(() => {
    // Asked again under the lock: another process may have been faster.
    for (const migration of migrations.slice(schemaVersion(connection))) connection.execute(migration);
    connection.execute(`PRAGMA application_id = ${applicationId}`);
    connection.execute(`PRAGMA user_version = ${migrations.length}`);
  });
}

function setting(connection: Connection, name: "user_version" | "application_id"): number {
  return Number(connection.prepare(`PRAGMA ${name}`).get()?.[0]);
}

function isEmpty(connection: Connection): boolean {
  return connection.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
}

function incompatible(path: string, what: string, fix: string): NereusError {
  return new NereusError("STORE_INCOMPATIBLE", `The database file ${path} ${what}.`, { element: path, fix });
}
