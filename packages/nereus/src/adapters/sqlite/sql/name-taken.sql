-- Parameters: name. Whether a table, view or index has it, in whatever case.
SELECT 1 FROM sqlite_schema WHERE name = ? COLLATE NOCASE
