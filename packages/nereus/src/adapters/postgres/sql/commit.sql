-- Parameters: groups of commits and their messages as JSON, whether to look for stored message ids, writer, number of
-- the batch, earlier batches whose answers have arrived
SELECT nereus_commit($1::jsonb, $2::json, $3::boolean, $4::uuid, $5::bigint, $6::bigint[])
