-- Parameters: owner, id
DELETE FROM nereus_timers WHERE owner = ? AND id = ?
