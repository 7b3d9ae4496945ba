-- Parameters: after this sequence number, limit
SELECT sequence, id, destination, data FROM nereus_outbox WHERE sequence > $1 ORDER BY sequence LIMIT $2
