-- Parameters: name, position
INSERT INTO nereus_checkpoints (name, position) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET position = excluded.position
