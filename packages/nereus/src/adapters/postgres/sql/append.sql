-- Parameters: tenant, category, stream id, expected version, type, checksum, recorded, occurred, id, correlation,
-- causation, trace, extensions, payload; writer, number of the batch, earlier batches whose answers have arrived; a note and its revision, or null;
-- the id of the message with the expected version, or null
SELECT nereus_append(
  $1::text, $2::integer, $3::text, $4::bigint, $5::integer, $6::bigint, $7::bigint, $8::bigint, $9::text, $10::text,
  $11::text, $12::text, $13::text, $14::text, $15::uuid, $16::bigint, $17::bigint[],
  $18::text, $19::bigint, $20::text
)
