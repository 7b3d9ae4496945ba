-- The highest position that can be read.
SELECT coalesce(max(position), 0)::bigint FROM nereus_messages
