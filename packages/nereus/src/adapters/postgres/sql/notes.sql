-- Parameters: what the name begins with
SELECT name, revision, data FROM nereus_notes WHERE name OPERATOR(pg_catalog.>=) $1 AND pg_catalog.starts_with(name, $1) ORDER BY name
