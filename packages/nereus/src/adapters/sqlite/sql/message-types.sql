-- Parameters: the highest number already known. The types written since.
SELECT number, category_number, kind, category, type, schema_version
FROM nereus_types WHERE number > ? ORDER BY number
