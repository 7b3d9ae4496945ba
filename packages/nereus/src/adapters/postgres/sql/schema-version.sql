-- How many migrations the schema has had.
SELECT coalesce(pg_catalog.max(number), 0)::integer FROM nereus_migrations
