-- What a connection says of its server, and of itself.
SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery()::pg_catalog.text, pg_catalog.current_setting('transaction_read_only'),
  pg_catalog.current_setting('server_version_num')::integer,
  pg_catalog.current_setting('server_encoding'), pg_catalog.current_setting('client_encoding'), pg_catalog.current_setting('standard_conforming_strings')
