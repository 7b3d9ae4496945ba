-- The messages of one stream from a version on, in rows of at most 64, so that the first are on their way while the
-- next are read: their types and checksums as lists of numbers, and their payloads as a JSON array with a line each.
-- Only for a log that is long when this is planned: a plan made for a short one reads it whole, and is kept.
-- The payloads' type tells them apart from the rest. The last row has the ids of the first and the last message.
-- The parts are listed, since of a computed series the planner would not know that it is short, and plan every time anew.
-- Parameters: kind, category, tenant, stream id, first version, the version after the last (at most 1024 more)
SELECT m.types, m.checksums, m.payloads, NULL::pg_catalog.text AS first_id, NULL::pg_catalog.text AS last_id
FROM (VALUES (0), (64), (128), (192), (256), (320), (384), (448), (512),
  (576), (640), (704), (768), (832), (896), (960)) AS part (first)
CROSS JOIN LATERAL (
  SELECT pg_catalog.string_agg(s.type::pg_catalog.text, ',') AS types, pg_catalog.string_agg(s.checksum::pg_catalog.text, ',') AS checksums,
    ('[' OPERATOR(pg_catalog.||) pg_catalog.string_agg(s.data, E',\n') OPERATOR(pg_catalog.||) ']')::varchar AS payloads
  FROM (
    SELECT e.type, e.checksum, e.data FROM nereus_messages AS e
    WHERE e.stream_id OPERATOR(pg_catalog.=) $4::pg_catalog.text AND e.tenant OPERATOR(pg_catalog.=) $3::pg_catalog.text
      AND e.version OPERATOR(pg_catalog.>=) ($5::bigint OPERATOR(pg_catalog.+) part.first)
        AND e.version OPERATOR(pg_catalog.<) least($5::bigint OPERATOR(pg_catalog.+) part.first OPERATOR(pg_catalog.+) 64, $6::bigint)
      AND e.category OPERATOR(pg_catalog.=) (SELECT c.number FROM nereus_categories AS c WHERE c.kind OPERATOR(pg_catalog.=) $1::pg_catalog.text AND c.category OPERATOR(pg_catalog.=) $2::pg_catalog.text)
    ORDER BY e.stream_id, e.category, e.tenant, e.version
  ) AS s
) AS m
WHERE m.types IS NOT NULL
UNION ALL
SELECT NULL, NULL, NULL, (
  SELECT e.id FROM nereus_messages AS e
  WHERE e.stream_id OPERATOR(pg_catalog.=) $4::pg_catalog.text AND e.tenant OPERATOR(pg_catalog.=) $3::pg_catalog.text AND e.version OPERATOR(pg_catalog.=) $5::bigint
    AND e.category OPERATOR(pg_catalog.=) (SELECT c.number FROM nereus_categories AS c WHERE c.kind OPERATOR(pg_catalog.=) $1::pg_catalog.text AND c.category OPERATOR(pg_catalog.=) $2::pg_catalog.text)
), (
  SELECT e.id FROM nereus_messages AS e
  WHERE e.stream_id OPERATOR(pg_catalog.=) $4::pg_catalog.text AND e.tenant OPERATOR(pg_catalog.=) $3::pg_catalog.text AND e.version OPERATOR(pg_catalog.>=) $5::bigint AND e.version OPERATOR(pg_catalog.<) $6::bigint
    AND e.category OPERATOR(pg_catalog.=) (SELECT c.number FROM nereus_categories AS c WHERE c.kind OPERATOR(pg_catalog.=) $1::pg_catalog.text AND c.category OPERATOR(pg_catalog.=) $2::pg_catalog.text)
  ORDER BY e.stream_id DESC, e.category DESC, e.tenant DESC, e.version DESC LIMIT 1
)
