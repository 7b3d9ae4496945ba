-- Parameters: stream id, category number, tenant, first version, limit
SELECT version, type, checksum, data
FROM nereus_messages WHERE stream_id = ? AND category = ? AND tenant = ? AND version >= ?
ORDER BY version LIMIT ?
