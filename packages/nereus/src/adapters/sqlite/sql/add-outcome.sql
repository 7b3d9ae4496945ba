-- ?1 tenant, ?2 idempotency key, ?3 fingerprint, ?4 result, ?5 position
INSERT INTO nereus_outcomes (tenant, key, fingerprint, result, position) VALUES (?1, ?2, ?3, ?4, ?5)
