-- Parameters: stream id, category number, tenant, version
SELECT id FROM nereus_messages WHERE stream_id = ? AND category = ? AND tenant = ? AND version = ?
