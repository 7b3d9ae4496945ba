-- Parameters: what the name begins with
SELECT name, revision, data FROM nereus_notes WHERE name >= $1 AND starts_with(name, $1) ORDER BY name
