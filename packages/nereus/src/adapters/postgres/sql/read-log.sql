-- Parameters: after this position, limit, kinds, categories, types, tenant, correlation id (null: all)
SELECT * FROM nereus_read_log($1::bigint, $2::bigint, $3::text[], $4::text[], $5::text[], $6::text, $7::text)
