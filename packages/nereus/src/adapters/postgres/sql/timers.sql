-- Parameters: owner, until (inclusive), after this moment and this id, limit
SELECT id, at, data FROM nereus_timers
WHERE owner OPERATOR(pg_catalog.=) $1 AND at OPERATOR(pg_catalog.<=) $2 AND (at, id) OPERATOR(pg_catalog.>) ($3::bigint, $4) ORDER BY owner, at, id LIMIT $5
