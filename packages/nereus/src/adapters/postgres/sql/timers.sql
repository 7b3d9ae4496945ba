-- Parameters: owner, until (inclusive), after this moment and this id, limit
SELECT id, at, data FROM nereus_timers
WHERE owner = $1 AND at <= $2 AND (at, id) > ($3::bigint, $4) ORDER BY owner, at, id LIMIT $5
