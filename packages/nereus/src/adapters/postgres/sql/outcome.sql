-- Parameters: tenant, idempotency key
SELECT fingerprint, result, position FROM nereus_outcomes WHERE tenant OPERATOR(pg_catalog.=) $1 AND key OPERATOR(pg_catalog.=) $2
