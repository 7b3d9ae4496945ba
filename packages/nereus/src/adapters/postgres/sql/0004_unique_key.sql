-- One short value for the values of some fields of a document, or null where one of them is null. Absent fields count
-- as what `defaults`, an object of them, holds.
CREATE FUNCTION nereus_unique_key(document json, fields text[], defaults json) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $function$
DECLARE
  field text;
  value json;
  part text;
  parts text := '';
BEGIN
  FOREACH field IN ARRAY fields LOOP
    value := coalesce(document -> field, defaults -> field);
    part := CASE json_typeof(value)
      WHEN 'number' THEN 'n' || trim_scale((value #>> '{}')::numeric)
      WHEN 'boolean' THEN CASE WHEN value #>> '{}' = 'true' THEN 'n1' ELSE 'n0' END
      WHEN 'string' THEN 't' || (value #>> '{}')
      WHEN 'object' THEN 't' || value::text
      WHEN 'array' THEN 't' || value::text
    END;
    IF part IS NULL THEN
      RETURN NULL;
    END IF;
    parts := parts || length(part) || ':' || part;
  END LOOP;
  RETURN sha256(convert_to(parts, 'UTF8'));
END
$function$;
