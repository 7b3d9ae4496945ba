-- Parameters: tenant, idempotency key
SELECT fingerprint, result, position FROM nereus_outcomes WHERE tenant = ? AND key = ?
