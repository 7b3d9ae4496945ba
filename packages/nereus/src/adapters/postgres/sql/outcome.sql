-- Parameters: tenant, idempotency key
SELECT fingerprint, result, position FROM nereus_outcomes WHERE tenant = $1 AND key = $2
