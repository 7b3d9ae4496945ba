-- ?1 name, ?2 position
INSERT INTO nereus_checkpoints (name, position) VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET position = excluded.position
