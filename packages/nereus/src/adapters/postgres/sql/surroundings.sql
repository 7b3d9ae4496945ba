-- What a connection says of its server, and of itself.
SELECT pg_backend_pid(), pg_is_in_recovery()::text, current_setting('transaction_read_only'),
  current_setting('server_version_num')::integer,
  current_setting('server_encoding'), current_setting('client_encoding'), current_setting('standard_conforming_strings')
