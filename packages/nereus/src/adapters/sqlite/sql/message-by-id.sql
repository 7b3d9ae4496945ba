-- Parameters: message id
SELECT stream, version, position FROM nereus_messages WHERE id = ?
