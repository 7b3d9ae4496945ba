-- The sessions that hold what a session waits for.
SELECT format(
  'the session %s of %s (application %s, user %s, %s since %s)',
  pid,
  coalesce(host(client_addr), 'this machine'),
  coalesce(nullif(application_name, ''), 'unnamed'),
  coalesce(usename, '?'),
  coalesce(state, 'in an unknown state'),
  coalesce(to_char(coalesce(xact_start, state_change) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '?')
)
FROM pg_stat_activity
WHERE pid = ANY (pg_blocking_pids($1::integer))
