-- ?1 stream number, ?2 last version, ?3 limit
SELECT position, version, type, checksum, recorded_at, occurred_at, tenant, stream_id, id,
  correlation_id, causation_id, traceparent, extensions, data
FROM nereus_messages WHERE stream = ?1 AND version <= ?2 ORDER BY version DESC LIMIT ?3
