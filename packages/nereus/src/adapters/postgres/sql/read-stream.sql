-- Parameters: kind, category, tenant, stream id, version, limit, whether backwards
SELECT * FROM nereus_read_stream($1::pg_catalog.text, $2::pg_catalog.text, $3::pg_catalog.text, $4::pg_catalog.text, $5::bigint, $6::bigint, $7::boolean)
