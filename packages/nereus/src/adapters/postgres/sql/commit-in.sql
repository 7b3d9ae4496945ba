-- As commit.sql, if the transaction is still the one that was begun; null if it is not, and then nothing is written.
SELECT CASE WHEN pg_catalog.current_setting('nereus.transaction', true) OPERATOR(pg_catalog.=) $8::text THEN CASE
  WHEN nereus_are_registered($4::integer[])
  THEN nereus_commit($1::jsonb, $2::json, $3::boolean, $5::uuid, $6::bigint, $7::bigint[])
  ELSE 'unregistered' END
END AS answer
