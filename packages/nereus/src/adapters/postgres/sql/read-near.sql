-- The messages of a page that are among the next so many of the log, and after them a row that has no version: the head.
-- Only for a log that is long when this is planned, as replay-long.sql; nereus_read_log finds what is farther.
-- Parameters: after this position, through this one, limit, kinds, categories, types, tenant (null: all)
(
  SELECT m.* FROM nereus_messages AS m
  WHERE m.position OPERATOR(pg_catalog.>) $1::bigint AND m.position OPERATOR(pg_catalog.<=) $2::bigint
    AND m.type OPERATOR(pg_catalog.=) ANY (ARRAY(
      SELECT t.number FROM nereus_categories AS c JOIN nereus_types AS t ON t.category OPERATOR(pg_catalog.=) c.number
      WHERE c.kind OPERATOR(pg_catalog.=) ANY ($4::pg_catalog.text[]) AND ($5::pg_catalog.text[] IS NULL OR c.category OPERATOR(pg_catalog.=) ANY ($5::pg_catalog.text[]))
        AND ($6::pg_catalog.text[] IS NULL OR t.type OPERATOR(pg_catalog.=) ANY ($6::pg_catalog.text[]))
    ))
    AND ($7::pg_catalog.text IS NULL OR m.tenant OPERATOR(pg_catalog.=) $7::pg_catalog.text)
  ORDER BY m.position LIMIT $3::bigint
)
UNION ALL
SELECT coalesce(pg_catalog.max(h.position), 0), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM nereus_messages AS h
