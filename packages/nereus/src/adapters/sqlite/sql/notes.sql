-- Parameters: what the name begins with
SELECT name, revision, data FROM nereus_notes
WHERE name >= ?1 AND substr(CAST(name AS BLOB), 1, length(CAST(?1 AS BLOB))) = CAST(?1 AS BLOB) ORDER BY name
