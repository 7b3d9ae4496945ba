-- The sessions that hold what a session waits for; without one, what anybody waits for who is to write. Parameters: the session, or null; schema
SELECT pg_catalog.format(
  'the session %s of %s (application %s, user %s, %s since %s)',
  pid,
  coalesce(pg_catalog.host(client_addr), 'this machine'),
  CASE WHEN application_name OPERATOR(pg_catalog.<>) '' THEN application_name ELSE 'unnamed' END,
  coalesce(usename, '?'),
  coalesce(state, 'in an unknown state'),
  coalesce(pg_catalog.to_char(coalesce(xact_start, state_change) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '?')
)
FROM pg_catalog.pg_stat_activity
WHERE pid OPERATOR(pg_catalog.=) ANY (pg_catalog.pg_blocking_pids($1::integer))
  OR $1 IS NULL AND pid OPERATOR(pg_catalog.=) ANY (ARRAY(
    SELECT h.pid
    FROM pg_catalog.pg_locks AS w
    JOIN pg_catalog.pg_locks AS h ON h.locktype OPERATOR(pg_catalog.=) w.locktype
      AND h.database OPERATOR(pg_catalog.=) w.database AND h.classid OPERATOR(pg_catalog.=) w.classid
      AND h.objid OPERATOR(pg_catalog.=) w.objid AND h.objsubid OPERATOR(pg_catalog.=) w.objsubid
    WHERE w.locktype OPERATOR(pg_catalog.=) 'advisory' AND NOT w.granted AND h.granted
      AND w.database OPERATOR(pg_catalog.=) (
        SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
      )
      AND ((w.classid::bigint OPERATOR(pg_catalog.<<) 32) OPERATOR(pg_catalog.|) w.objid::bigint) OPERATOR(pg_catalog.=)
        pg_catalog.hashtextextended('nereus ' OPERATOR(pg_catalog.||) $2::pg_catalog.text, 0)
  ))
