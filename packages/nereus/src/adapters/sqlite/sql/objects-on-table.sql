-- Parameters: table. What makes its indexes and triggers again, those that a user made among them; an index of unique
-- values is made by the store.
SELECT sql FROM sqlite_schema
WHERE tbl_name = ? COLLATE NOCASE AND type IN ('index', 'trigger') AND sql IS NOT NULL AND name NOT GLOB 'nereus_unique *'
ORDER BY rowid
