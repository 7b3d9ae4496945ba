-- The same where digits in a text count as their number.
CREATE FUNCTION nereus_whole_number(value json) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $function$
BEGIN
  RETURN CASE json_typeof(value)
    WHEN 'number' THEN value::text::numeric
    WHEN 'boolean' THEN CASE WHEN value::text = 'true' THEN 1 ELSE 0 END
    WHEN 'string' THEN
      CASE WHEN (value #>> '{}') COLLATE "C" ~ '^-?[0-9]+$' THEN (value #>> '{}')::numeric ELSE 'Infinity'::numeric END
    WHEN 'object' THEN 'Infinity'::numeric
    WHEN 'array' THEN 'Infinity'::numeric
  END;
END
$function$;
