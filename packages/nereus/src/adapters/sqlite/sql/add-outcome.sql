-- Parameters: tenant, idempotency key, fingerprint, result, position
INSERT INTO nereus_outcomes (tenant, key, fingerprint, result, position) VALUES (?, ?, ?, ?, ?)
