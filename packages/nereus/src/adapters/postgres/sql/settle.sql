-- Parameters: writer, number of the batch
SELECT nereus_settle($1::uuid, $2::bigint)
