-- Parameters: name
SELECT name, revision, data FROM nereus_notes WHERE name OPERATOR(pg_catalog.=) $1
