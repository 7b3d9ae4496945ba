-- ?1 after this sequence number, ?2 limit
SELECT sequence, id, destination, data FROM nereus_outbox WHERE sequence > ?1 ORDER BY sequence LIMIT ?2
