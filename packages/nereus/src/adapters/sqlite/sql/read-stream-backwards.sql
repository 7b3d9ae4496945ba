-- Parameters: stream id, category number, tenant, last version, limit
SELECT position, version, type, checksum, recorded_at, occurred_at, tenant, stream_id, id,
  correlation_id, causation_id, traceparent, extensions, data
FROM nereus_messages WHERE stream_id = ? AND category = ? AND tenant = ? AND version <= ?
ORDER BY version DESC LIMIT ?
