-- Parameters: after this position, limit, kinds, categories, types, tenant, correlation id (null: all)
SELECT * FROM nereus_read_log($1::bigint, $2::bigint, $3::pg_catalog.text[], $4::pg_catalog.text[], $5::pg_catalog.text[], $6::pg_catalog.text, $7::pg_catalog.text)
