-- Parameters: stream number, first version, limit
SELECT version, type, checksum, data
FROM nereus_messages WHERE stream = ? AND version >= ? ORDER BY version LIMIT ?
