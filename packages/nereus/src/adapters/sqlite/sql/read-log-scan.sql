-- Parameters: after this position, up to this one, tenant (null for all), the same again, type numbers as a JSON array,
-- limit
SELECT position, version, type, checksum, recorded_at, occurred_at, tenant, stream_id, id,
  correlation_id, causation_id, traceparent, extensions, data
FROM nereus_messages NOT INDEXED
WHERE position > ? AND position <= ? AND (? IS NULL OR tenant = ?) AND type IN (SELECT value FROM json_each(?))
ORDER BY position LIMIT ?
