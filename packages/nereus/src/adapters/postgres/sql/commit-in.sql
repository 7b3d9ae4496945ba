-- As commit.sql, if the transaction is still the one that was begun; null if it is not, and then nothing is written.
SELECT CASE WHEN pg_catalog.current_setting('nereus.transaction', true) OPERATOR(pg_catalog.=) $7::text
  THEN nereus_commit($1::jsonb, $2::json, $3::boolean, $4::uuid, $5::bigint, $6::bigint[]) END AS answer
