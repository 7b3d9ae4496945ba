-- Parameters: types as JSON
SELECT nereus_register_types($1::jsonb)::text
