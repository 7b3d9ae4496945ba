-- The payloads' type tells them apart from the rest.
-- Parameters: kind, category, tenant, stream id, first version, limit
SELECT types, checksums, ('[' || pg_catalog.replace(payloads, E'\x1e', E',\n') || ']')::varchar, first_id, last_id
FROM nereus_replay($1::text, $2::text, $3::text, $4::text, $5::bigint, $6::bigint)
