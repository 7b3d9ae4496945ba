-- The tables of which the role of the session does not see every row. Parameters: schema, tables
SELECT c.relname::text
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = $1
WHERE c.relname = ANY ($2::text[]) AND row_security_active(c.oid)
ORDER BY c.relname
