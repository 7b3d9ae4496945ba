-- Parameters: tenant, category, stream id, expected version, type, checksum, recorded, occurred, id, correlation,
-- causation, trace, extensions, payload; writer, number of the batch, earlier batches whose answers have arrived; a note and its revision, or null;
-- the id of the message with the expected version, or null
SELECT nereus_append(
  $1::pg_catalog.text, $2::integer, $3::pg_catalog.text, $4::bigint, $5::integer, $6::bigint, $7::bigint, $8::bigint, $9::pg_catalog.text, $10::pg_catalog.text,
  $11::pg_catalog.text, $12::pg_catalog.text, $13::pg_catalog.text, $14::pg_catalog.text, $15::pg_catalog.uuid, $16::bigint, $17::bigint[],
  $18::pg_catalog.text, $19::bigint, $20::pg_catalog.text
)
