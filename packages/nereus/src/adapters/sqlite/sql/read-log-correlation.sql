-- Parameters: after this position, up to this one, tenant (null for all), the same again, correlation id, type numbers
-- as a JSON array, limit
SELECT position, version, type, checksum, recorded_at, occurred_at, tenant, stream_id, id,
  correlation_id, causation_id, traceparent, extensions, data
FROM nereus_messages INDEXED BY nereus_messages_by_correlation
WHERE position > ? AND position <= ? AND (? IS NULL OR tenant = ?) AND correlation_id = ?
  AND type IN (SELECT value FROM json_each(?))
ORDER BY position LIMIT ?
