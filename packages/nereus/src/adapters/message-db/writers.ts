import { type MessageDbPool, rowsOf } from "./pool.ts";

/** Of `pg_locks`: a transaction that writes messages, or may. */
export const isWriter = `locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted
      AND relation = 'message_store.messages'::regclass
      AND locks.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())`;

const statement = `
  SELECT coalesce(
    format(
      'the session %s of %s (application %s, user %s, %s since %s)',
      activity.pid,
      coalesce(host(activity.client_addr), 'this machine'),
      coalesce(nullif(activity.application_name, ''), 'unnamed'),
      coalesce(activity.usename, '?'),
      coalesce(activity.state, 'in an unknown state'),
      coalesce(to_char(activity.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '?')
    ),
    format('the prepared transaction %s', coalesce(prepared.gid, locks.virtualtransaction))
  ) AS who
  FROM pg_catalog.pg_locks AS locks
  LEFT JOIN pg_catalog.pg_stat_activity AS activity ON activity.pid = locks.pid
  LEFT JOIN pg_catalog.pg_prepared_xacts AS prepared
    ON locks.pid IS NULL AND locks.virtualtransaction = '-1/' || prepared.transaction::text
  WHERE ${isWriter}
  ORDER BY activity.xact_start NULLS FIRST`;

/** Who is in a transaction that wrote messages, or may: the one that began first, first. Undefined where nobody is. */
export async function writersAtWork(pool: MessageDbPool): Promise<string | undefined> {
  const rows = await rowsOf<{ readonly who: string }>(pool, statement);
  return rows.length === 0 ? undefined : rows.map(({ who }) => who).join("; ");
}
