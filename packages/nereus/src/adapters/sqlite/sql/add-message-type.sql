-- Parameters: number, category number, kind, category, type, schema version
INSERT INTO nereus_types (number, category_number, kind, category, type, schema_version) VALUES (?, ?, ?, ?, ?, ?)
