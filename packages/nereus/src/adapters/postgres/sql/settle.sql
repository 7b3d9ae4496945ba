-- Parameters: writer, number of the batch
SELECT nereus_settle($1::pg_catalog.uuid, $2::bigint)
