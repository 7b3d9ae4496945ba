-- The sessions that hold what a session waits for.
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
