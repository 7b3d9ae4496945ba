import type { Purpose } from "./held-client.ts";
import { type PostgresClient, type PostgresQuery, rowsOn } from "./pool.ts";
import { type Row, unprepared } from "./reads.ts";

/**
 * The connection that writes, and how its transactions come to be READ COMMITTED, whatever the settings are: `nereus_commit`
 * must see what those before it wrote that held its lock.
 */
export interface WriteSession {
  readonly purpose: Purpose;
  /** Whether the connection keeps one process of the server. */
  readonly isOwn: boolean;
  run(client: PostgresClient, query: PostgresQuery): Promise<Row | undefined>;
}

const begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/** A connection with a session of its own is told once. */
export const ownSession: WriteSession = {
  isOwn: true,
  purpose: {
    async prepare(client) {
      const level = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE";
      await client.query(unprepared(level));
    },
    async restore(client) {
      await client.query(unprepared("RESET default_transaction_isolation"));
      await client.query(unprepared("RESET default_transaction_read_only"));
    },
  },
  async run(client, query) {
    return (await rowsOn(client, query))[0];
  },
};

/** What a guarded statement answers instead of running in a transaction of another kind. */
const otherKind = "nereus: not read committed";

/**
 * Behind a pooler nothing that is set lasts, and others would get it. So each statement looks at its transaction before it
 * writes; where the settings make another kind, it is sent again in one that says what it is.
 */
export class PooledSession implements WriteSession {
  readonly purpose: Purpose = { prepare: async () => undefined, restore: async () => undefined };
  readonly isOwn = false;
  #saysKind = false;

  async run(client: PostgresClient, query: PostgresQuery): Promise<Row | undefined> {
    if (!this.#saysKind) {
      const [row] = await rowsOn(client, { ...query, text: guarded(query.text) });
      if (row?.[0] !== otherKind) return row;
      this.#saysKind = true;
    }
    await client.query(unprepared(begin));
    try {
      const [row] = await rowsOn(client, query);
      await client.query(unprepared("COMMIT"));
      return row;
    } catch (error) {
      // Where the connection is lost, the error at hand says so.
      await client.query(unprepared("ROLLBACK")).catch(() => undefined);
      throw error;
    }
  }
}

function guarded(text: string): string {
  return `SELECT CASE WHEN pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.=) 'read committed'
    AND pg_catalog.current_setting('transaction_read_only') OPERATOR(pg_catalog.=) 'off' THEN (${text}) ELSE '${otherKind}' END`;
}
