-- What a JSON value counts as among numbers: null, a number, or Infinity for what stands after all numbers as a text.
-- Not in SQL: that would be put in its callers' place, and find the value in its document several times.
CREATE FUNCTION nereus_number(value json) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $function$
BEGIN
  RETURN CASE json_typeof(value)
    WHEN 'number' THEN value::text::numeric
    WHEN 'boolean' THEN CASE WHEN value::text = 'true' THEN 1 ELSE 0 END
    WHEN 'string' THEN 'Infinity'::numeric
    WHEN 'object' THEN 'Infinity'::numeric
    WHEN 'array' THEN 'Infinity'::numeric
  END;
END
$function$;
