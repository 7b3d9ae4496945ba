-- ?1 after this position, ?2 limit, ?3 type numbers as a JSON array, ?4 correlation id, ?5 tenant or null
SELECT position, version, type, checksum, recorded_at, occurred_at, tenant, stream_id, id,
  correlation_id, causation_id, traceparent, extensions, data
FROM nereus_messages INDEXED BY nereus_messages_by_correlation
WHERE correlation_id = ?4 AND position > ?1 AND type IN (SELECT value FROM json_each(?3))
  AND (?5 IS NULL OR tenant = ?5)
ORDER BY position LIMIT ?2
