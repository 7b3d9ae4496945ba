-- Parameters: name, table, layout as JSON, the expressions of its unique lists
INSERT INTO nereus_collections (name, table_name, layout, unique_keys) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET layout = excluded.layout, unique_keys = excluded.unique_keys
