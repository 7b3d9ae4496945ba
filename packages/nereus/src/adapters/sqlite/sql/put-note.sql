-- Parameters: name, revision, data
INSERT INTO nereus_notes (name, revision, data) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET revision = excluded.revision, data = excluded.data
