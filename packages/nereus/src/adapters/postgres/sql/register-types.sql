-- Parameters: types as JSON
SELECT nereus_register_types($1::pg_catalog.jsonb)::pg_catalog.text
