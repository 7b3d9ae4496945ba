-- Parameters: what the name begins with
SELECT name, revision, data FROM (SELECT ? AS prefix) CROSS JOIN nereus_notes
WHERE name >= prefix AND substr(CAST(name AS BLOB), 1, length(CAST(prefix AS BLOB))) = CAST(prefix AS BLOB) ORDER BY name
