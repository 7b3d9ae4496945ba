-- The payloads' type tells them apart from the rest.
-- Parameters: kind, category, tenant, stream id, first version, limit
SELECT types, checksums, ('[' OPERATOR(pg_catalog.||) pg_catalog.replace(payloads, E'\x1e', E',\n') OPERATOR(pg_catalog.||) ']')::varchar, first_id, last_id
FROM nereus_replay($1::pg_catalog.text, $2::pg_catalog.text, $3::pg_catalog.text, $4::pg_catalog.text, $5::bigint, $6::bigint)
