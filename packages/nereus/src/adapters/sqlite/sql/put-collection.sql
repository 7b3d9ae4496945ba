-- Parameters: name, table, layout as JSON
INSERT INTO nereus_collections (name, table_name, layout) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET layout = excluded.layout
