-- The messages of a page that are among the next so many of the log, and after them a row that has no version: the head.
-- Only for a log that is long when this is planned, as replay-long.sql; nereus_read_log finds what is farther.
-- Parameters: after this position, through this one, limit, kinds, categories, types, tenant (null: all)
(
  SELECT m.* FROM nereus_messages AS m
  WHERE m.position > $1::bigint AND m.position <= $2::bigint
    AND m.type = ANY (ARRAY(
      SELECT t.number FROM nereus_categories AS c JOIN nereus_types AS t ON t.category = c.number
      WHERE c.kind = ANY ($4::text[]) AND ($5::text[] IS NULL OR c.category = ANY ($5::text[]))
        AND ($6::text[] IS NULL OR t.type = ANY ($6::text[]))
    ))
    AND ($7::text IS NULL OR m.tenant = $7::text)
  ORDER BY m.position LIMIT $3::bigint
)
UNION ALL
SELECT coalesce(pg_catalog.max(h.position), 0), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM nereus_messages AS h
