-- ?1 name, ?2 table, ?3 layout as JSON
INSERT INTO nereus_collections (name, table_name, layout) VALUES (?1, ?2, ?3)
ON CONFLICT (name) DO UPDATE SET layout = excluded.layout
