-- Parameters: the columns as they stand here. Several rows may follow; OR ROLLBACK spares the journal that SQLite
-- would keep to undo the statement alone.
INSERT OR ROLLBACK INTO nereus_messages (
  position, category, type, version, checksum, recorded_at, occurred_at, tenant, stream_id, id,
  correlation_id, causation_id, traceparent, extensions, data
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
