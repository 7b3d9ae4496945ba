-- Parameters: owner, until (inclusive), after this moment and this id, limit
SELECT id, at, data FROM nereus_timers WHERE owner = ? AND at <= ? AND (at, id) > (?, ?) ORDER BY at, id LIMIT ?
