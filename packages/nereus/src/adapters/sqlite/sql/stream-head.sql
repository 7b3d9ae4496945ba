-- Parameters: stream id, category number, tenant. The version and the id of the stream's last message.
SELECT version, id FROM nereus_messages WHERE stream_id = ? AND category = ? AND tenant = ? ORDER BY version DESC LIMIT 1
