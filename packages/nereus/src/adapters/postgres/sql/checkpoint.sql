-- Parameters: name
SELECT position FROM nereus_checkpoints WHERE name OPERATOR(pg_catalog.=) $1
