-- Parameters: id, destination, data
INSERT INTO nereus_outbox (id, destination, data) VALUES (?, ?, ?)
