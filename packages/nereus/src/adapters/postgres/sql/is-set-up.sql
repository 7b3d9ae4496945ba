-- Parameters: schema. Whether it has been set up.
SELECT 1 FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'nereus_migrations'
