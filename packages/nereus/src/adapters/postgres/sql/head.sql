-- The highest position that can be read.
SELECT coalesce(pg_catalog.max(position), 0)::bigint FROM nereus_messages
