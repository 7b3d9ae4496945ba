-- Parameters: kind, category, tenant, stream id, version, limit, whether backwards
SELECT * FROM nereus_read_stream($1::text, $2::text, $3::text, $4::text, $5::bigint, $6::bigint, $7::boolean)
