-- Parameters: owner, id, at, data
INSERT INTO nereus_timers (owner, id, at, data) VALUES (?, ?, ?, ?)
ON CONFLICT (owner, id) DO UPDATE SET at = excluded.at, data = excluded.data
