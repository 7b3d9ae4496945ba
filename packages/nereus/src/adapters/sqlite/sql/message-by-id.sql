-- Parameters: message id
SELECT category, tenant, stream_id, version, position FROM nereus_messages WHERE id = ?
