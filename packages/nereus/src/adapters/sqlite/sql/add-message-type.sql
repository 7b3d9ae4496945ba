-- Parameters: number, kind, category, type, schema version
INSERT INTO nereus_types (number, kind, category, type, schema_version) VALUES (?, ?, ?, ?, ?)
