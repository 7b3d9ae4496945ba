-- Parameters: name
SELECT position FROM nereus_checkpoints WHERE name = $1
