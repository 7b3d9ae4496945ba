-- What a JSON value counts as among exact numbers: null, the number that digits in a text (or in JSON's own) say, or Infinity
-- for what stands after all numbers as a text. See isDigits in order-key.ts. The two stand alone, since what computes columns
-- must not depend on where names are looked for.
CREATE FUNCTION nereus_decimal(value json) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $function$
DECLARE
  digits text := value #>> '{}';
BEGIN
  IF digits IS NULL THEN
    RETURN NULL;
  END IF;
  IF length(digits) <= 16000 AND json_typeof(value) IN ('string', 'number') AND digits COLLATE "C" ~ '^-?[0-9]+([.][0-9]+)?$' THEN
    RETURN digits::numeric;
  END IF;
  RETURN 'Infinity'::numeric;
END
$function$;

CREATE OR REPLACE FUNCTION nereus_whole_number(value json) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $function$
DECLARE
  digits text := value #>> '{}';
BEGIN
  IF digits IS NULL THEN
    RETURN NULL;
  END IF;
  IF length(digits) <= 16000 AND json_typeof(value) IN ('string', 'number') AND digits COLLATE "C" ~ '^-?[0-9]+([.][0-9]+)?$' THEN
    RETURN digits::numeric;
  END IF;
  RETURN 'Infinity'::numeric;
END
$function$;

-- The same as nereus_unique_key with three parameters, but of `decimals`, some of the fields, the number counts, however many
-- digits it is written with.
CREATE FUNCTION nereus_unique_key(document json, fields text[], defaults json, decimals text[]) RETURNS bytea
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
    IF field = ANY (decimals) AND length(part) <= 16000 AND substr(part, 2) COLLATE "C" ~ '^-?[0-9]+([.][0-9]+)?$' THEN
      part := 'd' || trim_scale(substr(part, 2)::numeric);
    END IF;
    parts := parts || length(part) || ':' || part;
  END LOOP;
  RETURN sha256(convert_to(parts, 'UTF8'));
END
$function$;
