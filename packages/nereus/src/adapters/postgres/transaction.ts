import { qualified } from "./identifiers.ts";
import type { PostgresClient, PostgresPool } from "./pool.ts";
import { unprepared } from "./reads.ts";

/** Whatever the session has made or set, a name without a schema means PostgreSQL's own: until the transaction ends. */
export const systemNamesOnly = "SET LOCAL search_path TO pg_catalog, pg_temp";

/** Runs work in a transaction of its own, in which nobody else writes to the schema; nothing of it stays if it throws. */
export async function inTransaction<Result>(
  pool: PostgresPool,
  schema: string,
  work: (client: PostgresClient) => Promise<Result>,
): Promise<Result> {
  return onClient(pool, async (client) => {
    await client.query(unprepared(`BEGIN ISOLATION LEVEL READ COMMITTED; ${systemNamesOnly}`));
    await client.query(unprepared(qualified("SELECT nereus_lock()::pg_catalog.text", schema)));
    const result = await work(client);
    await client.query(unprepared("COMMIT"));
    return result;
  });
}

/** Borrows a connection; one on which something failed is ended, and with it what it had begun. */
export async function onClient<Result>(
  pool: PostgresPool,
  work: (client: PostgresClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  const ignore = (): void => undefined;
  // What is lost on the way fails the statement that is running.
  client.on("error", ignore);
  try {
    const result = await work(client);
    client.removeListener("error", ignore);
    client.release();
    return result;
  } catch (error) {
    client.release(true);
    throw error;
  }
}
