import type { PostgresClient, PostgresPool } from "./pool.ts";
import { unprepared } from "./reads.ts";

/**
 * Ends a session on the server, which would miss its client only when the statement is done. The client is told so, and nobody else: the pool that it was
 * given back to would report an error of its own, and where nobody listens to that, the process would end.
 *
 * @param client given back to be ended
 */
export function terminate(pool: PostgresPool, client: PostgresClient, backend: number): void {
  client.removeAllListeners?.("error");
  client.on("error", ignore);
  void pool.query(unprepared("SELECT pg_catalog.pg_terminate_backend($1)", [backend])).catch(ignore);
}

function ignore(): void {}
