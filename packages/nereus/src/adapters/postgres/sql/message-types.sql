-- Each column has a name of its own, as every subquery's must.
SELECT c.number AS category_number, c.kind, c.category, t.number, t.type, t.schema_version
FROM nereus_categories AS c LEFT JOIN nereus_types AS t ON t.category OPERATOR(pg_catalog.=) c.number
