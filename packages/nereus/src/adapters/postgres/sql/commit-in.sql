-- As commit.sql, if the transaction is still the one that was begun; null if it is not, and then nothing is written.
SELECT CASE WHEN pg_catalog.pg_current_xact_id()::pg_catalog.text OPERATOR(pg_catalog.=) $8::pg_catalog.text THEN CASE
  WHEN nereus_are_registered($4::pg_catalog._int4)
  THEN nereus_commit($1::pg_catalog.jsonb, $2::pg_catalog.json, $3::pg_catalog.bool, $5::pg_catalog.uuid, $6::pg_catalog.int8, $7::pg_catalog._int8)
  ELSE 'unregistered' END
END AS answer
