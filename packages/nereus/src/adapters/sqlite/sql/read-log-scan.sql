-- ?1 after this position, ?2 limit, ?3 type numbers as a JSON array
SELECT position, version, type, checksum, recorded_at, occurred_at, tenant, stream_id, id,
  correlation_id, causation_id, traceparent, extensions, data
FROM nereus_messages NOT INDEXED
WHERE position > ?1 AND type IN (SELECT value FROM json_each(?3))
ORDER BY position LIMIT ?2
