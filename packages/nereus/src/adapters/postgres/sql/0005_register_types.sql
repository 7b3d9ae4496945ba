-- Writes down types of messages that are new. Parameters: [{kind, category, type, version}], the last two
-- absent where only the category is needed.
CREATE FUNCTION nereus_register_types(types jsonb) RETURNS void
LANGUAGE sql
SET search_path FROM CURRENT
AS $function$
  INSERT INTO nereus_categories (kind, category)
  SELECT DISTINCT kind, category FROM jsonb_to_recordset(types) AS t (kind text, category text)
  ON CONFLICT DO NOTHING;
  INSERT INTO nereus_types (category, type, schema_version)
  SELECT DISTINCT c.number, t.type, t.version
  FROM jsonb_to_recordset(types) AS t (kind text, category text, type text, version integer)
  JOIN nereus_categories AS c ON c.kind = t.kind AND c.category = t.category
  WHERE t.type IS NOT NULL
  ON CONFLICT DO NOTHING;
$function$;
