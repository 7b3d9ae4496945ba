-- Parameters: groups of commits and their messages as JSON, whether to look for stored message ids, the types of the
-- messages, writer, number of the batch, earlier batches whose answers have arrived.
-- Writes nothing where a type is not registered (any more), and says so.
SELECT CASE WHEN nereus_are_registered($4::integer[])
  THEN nereus_commit($1::pg_catalog.jsonb, $2::pg_catalog.json, $3::boolean, $5::pg_catalog.uuid, $6::bigint, $7::bigint[])
  ELSE 'unregistered' END
