-- ?1 stream number, ?2 first version, ?3 limit
SELECT version, type, checksum, data
FROM nereus_messages WHERE stream = ?1 AND version >= ?2 ORDER BY version LIMIT ?3
