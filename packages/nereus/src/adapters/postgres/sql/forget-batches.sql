-- Batches of writers that are long gone.
DELETE FROM nereus_batches WHERE written_at < pg_catalog.now() - interval '7 days'
