-- Parameters: stream id, category number, tenant. The stream's version.
SELECT max(version) FROM nereus_messages WHERE stream_id = ? AND category = ? AND tenant = ?
