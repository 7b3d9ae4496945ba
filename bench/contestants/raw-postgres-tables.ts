/** The table of the bare contestants on PostgreSQL: what any event store needs, and no more. */
import pg from "pg";
import type { Place } from "../contestant.ts";

/** `json` keeps the text as it came: cheaper to write and read than `jsonb`. */
const tables = `
  CREATE TABLE IF NOT EXISTS events (
    position bigserial PRIMARY KEY, id uuid NOT NULL, stream text NOT NULL, version integer NOT NULL,
    type text NOT NULL, data json NOT NULL, UNIQUE (stream, version))`;

export async function createTables(place: Place): Promise<void> {
  await onClient(place, (client) => client.query(tables));
}

export async function durabilityOf(place: Place): Promise<string> {
  const settings = await onClient(place, async (client) => {
    const { rows } = await client.query<{ name: string; setting: string }>(
      "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'server_version') ORDER BY name",
    );
    return rows.map(({ name, setting }) => `${name}=${setting}`);
  });
  return `${settings.join(", ")} (read back)`;
}

/** Over a connection of its own, as another process would see it. */
export async function countOf(place: Place, table: string): Promise<number> {
  const { rows } = await onClient(place, (client) =>
    client.query<{ stored: string }>(`SELECT count(*) AS stored FROM ${table}`),
  );
  return Number(rows[0]?.stored);
}

export async function onClient<Result>(place: Place, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client(place.database);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
