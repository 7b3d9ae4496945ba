-- ?1 id, ?2 destination, ?3 data
INSERT INTO nereus_outbox (id, destination, data) VALUES (?1, ?2, ?3)
