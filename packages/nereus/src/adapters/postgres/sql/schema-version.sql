-- How many migrations the schema has had.
SELECT coalesce(max(number), 0)::integer FROM nereus_migrations
