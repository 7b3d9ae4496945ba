-- Parameters: table. Its columns, those among them that are computed.
SELECT name FROM pragma_table_xinfo(?)
