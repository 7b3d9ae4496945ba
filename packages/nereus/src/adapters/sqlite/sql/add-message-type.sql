-- ?1 number, ?2 kind, ?3 category, ?4 type, ?5 schema version
INSERT INTO nereus_types (number, kind, category, type, schema_version) VALUES (?1, ?2, ?3, ?4, ?5)
