import { type MessageDbPool, preparedRows } from "./pool.ts";
import type { Writing } from "./written-rows.ts";

/**
 * Message DB's own functions, in one transaction and one round trip: the locks first, then row by row. A row without a
 * type writes only where its version is wrong, and then `write_message` refuses it; so does it -2, which stands for a version whose message is not
 * the known one. (A message that is known was there before this statement, and stays: no lock is needed to look.) The functions name each other
 * without their schema, so the path is set for this transaction.
 */
const statement = `
  WITH path AS MATERIALIZED (
    SELECT pg_catalog.set_config('search_path', 'message_store, pg_temp', true) AS path
  ), locked AS MATERIALIZED (
    SELECT count(message_store.acquire_lock(category)) AS locks
    FROM path CROSS JOIN unnest($1::text[]) AS category
  )
  SELECT CASE
    WHEN type IS NULL AND coalesce(message_store.stream_version(stream), -1) = expected THEN NULL
    WHEN message_store.write_message(
      id, stream, type,
      CASE WHEN tells
        THEN jsonb_set(data::jsonb, '{position}', to_jsonb(currval('message_store.messages_global_position_seq')))
        ELSE data::jsonb
      END,
      metadata::jsonb, expected
    ) >= 0 THEN currval('message_store.messages_global_position_seq')::text
  END AS position
  FROM (
    SELECT rows.stream, rows.id, rows.type, rows.data, rows.metadata, rows.tells, CASE
      WHEN rows.known IS NULL THEN rows.expected
      WHEN EXISTS (
        SELECT FROM message_store.messages AS m
        WHERE m.stream_name = rows.stream AND m.position = rows.expected AND m.id = rows.known
      ) THEN rows.expected
      ELSE -2
    END AS expected
    FROM locked CROSS JOIN unnest(
      $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::boolean[], $9::uuid[]
    ) WITH ORDINALITY AS rows (stream, id, type, data, metadata, expected, tells, known, place)
    WHERE locked.locks >= 0
    ORDER BY rows.place
    OFFSET 0
  ) AS rows`;

/** Writes them all, or none; answers with the last position of the messages of each, undefined where it has none. */
export async function write(
  pool: MessageDbPool,
  writings: readonly Writing[],
): Promise<readonly (number | undefined)[]> {
  const rows = writings.flatMap((writing) => writing.rows);
  if (rows.length === 0) return writings.map(() => undefined);
  const heads = [...new Set(writings.flatMap((writing) => writing.heads))].sort();
  const written = await preparedRows<{ position: string | null }>(pool, statement, [
    heads,
    rows.map(({ stream }) => stream),
    rows.map(({ id }) => id),
    rows.map(({ type }) => type),
    rows.map(({ data }) => data),
    rows.map(({ metadata }) => metadata),
    rows.map(({ expected }) => expected),
    rows.map(({ tellsPosition }) => tellsPosition),
    rows.map(({ expectedId }) => expectedId),
  ]);
  let at = 0;
  return writings.map((writing) => {
    let last: number | undefined;
    for (const { tellsPosition } of writing.rows) {
      const position = written[at++]?.position ?? null;
      if (position !== null && !tellsPosition) last = Number(position);
    }
    return last;
  });
}
