-- Parameters: after this sequence number, limit
SELECT sequence, id, destination, data FROM nereus_outbox WHERE sequence OPERATOR(pg_catalog.>) $1 ORDER BY sequence LIMIT $2
