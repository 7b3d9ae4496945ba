SELECT c.number, c.kind, c.category, t.number, t.type, t.schema_version
FROM nereus_categories AS c LEFT JOIN nereus_types AS t ON t.category = c.number
