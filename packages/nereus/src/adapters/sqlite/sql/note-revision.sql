-- Parameters: name
SELECT revision FROM nereus_notes WHERE name = ?
