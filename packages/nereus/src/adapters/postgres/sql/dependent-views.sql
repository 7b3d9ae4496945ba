-- Parameters: schema, table, columns. The views that look at one of them, as SQL names them.
SELECT DISTINCT r.ev_class::regclass::text
FROM pg_depend AS d
JOIN pg_rewrite AS r ON r.oid = d.objid
JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
JOIN pg_class AS c ON c.oid = d.refobjid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
  AND n.nspname = $1 AND c.relname = $2 AND a.attname = ANY ($3::text[]) AND r.ev_class <> c.oid
ORDER BY 1
