-- Parameters: after this sequence number, limit
SELECT sequence, id, destination, data FROM nereus_outbox WHERE sequence > ? ORDER BY sequence LIMIT ?
