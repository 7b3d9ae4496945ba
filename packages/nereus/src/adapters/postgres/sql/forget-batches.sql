-- Batches of writers that are long gone.
DELETE FROM nereus_batches WHERE written_at OPERATOR(pg_catalog.<) (pg_catalog.now() OPERATOR(pg_catalog.-) interval '7 days')
