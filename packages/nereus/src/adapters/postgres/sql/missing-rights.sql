-- What the role of the session lacks, as the statements that grant it. Parameters: schema; tables and sequences, each as often as it needs a right; the rights
WITH lacking (place, object, privilege) AS (
  SELECT 1, format('SCHEMA %I', n.nspname), 'USAGE'
  FROM pg_namespace AS n
  WHERE n.nspname = $1 AND NOT has_schema_privilege(n.oid, 'USAGE')
  UNION ALL
  SELECT 2, format('%s %I.%I', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, c.relname), w.privilege
  FROM unnest($2::text[], $3::text[]) AS w (relation, privilege)
  JOIN pg_class AS c ON c.relname = w.relation
  JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = $1
  WHERE NOT CASE c.relkind
    WHEN 'S' THEN has_sequence_privilege(c.oid, w.privilege)
    ELSE has_table_privilege(c.oid, w.privilege)
  END
  UNION ALL
  SELECT 3, format('FUNCTION %I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), 'EXECUTE'
  FROM pg_proc AS p
  JOIN pg_namespace AS n ON n.oid = p.pronamespace AND n.nspname = $1
  WHERE starts_with(p.proname, 'nereus_') AND NOT has_function_privilege(p.oid, 'EXECUTE')
)
SELECT current_user::text, format('GRANT %s ON %s TO %I;', string_agg(privilege, ', ' ORDER BY privilege), object, current_user)
FROM lacking
GROUP BY place, object
ORDER BY place, object
