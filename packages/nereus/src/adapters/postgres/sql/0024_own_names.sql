-- What queries call runs in the session of whoever asks, whose search path may begin with another schema: there a function
-- without settings of its own (which would take longer) has to say that it means PostgreSQL's.
CREATE OR REPLACE FUNCTION nereus_number(value json) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $function$
BEGIN
  RETURN CASE
    WHEN pg_catalog.json_typeof(value) OPERATOR(pg_catalog.=) 'number' THEN value::pg_catalog.text::numeric
    WHEN pg_catalog.json_typeof(value) OPERATOR(pg_catalog.=) 'boolean' THEN CASE WHEN value::pg_catalog.text OPERATOR(pg_catalog.=) 'true' THEN 1 ELSE 0 END
    WHEN pg_catalog.json_typeof(value) OPERATOR(pg_catalog.=) ANY ('{string,object,array}'::pg_catalog.text[]) THEN 'Infinity'::numeric
  END;
END
$function$;

CREATE OR REPLACE FUNCTION nereus_decimal(value json) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $function$
DECLARE
  digits pg_catalog.text := value OPERATOR(pg_catalog.#>>) '{}';
BEGIN
  IF digits IS NULL THEN
    RETURN NULL;
  END IF;
  IF pg_catalog.length(digits) OPERATOR(pg_catalog.<=) 16000
    AND pg_catalog.json_typeof(value) OPERATOR(pg_catalog.=) ANY ('{string,number}'::pg_catalog.text[])
    AND digits COLLATE pg_catalog."C" OPERATOR(pg_catalog.~) '^-?[0-9]+([.][0-9]+)?$' THEN
    RETURN digits::numeric;
  END IF;
  RETURN 'Infinity'::numeric;
END
$function$;

CREATE OR REPLACE FUNCTION nereus_whole_number(value json) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $function$
DECLARE
  digits pg_catalog.text := value OPERATOR(pg_catalog.#>>) '{}';
BEGIN
  IF digits IS NULL THEN
    RETURN NULL;
  END IF;
  IF pg_catalog.length(digits) OPERATOR(pg_catalog.<=) 16000
    AND pg_catalog.json_typeof(value) OPERATOR(pg_catalog.=) ANY ('{string,number}'::pg_catalog.text[])
    AND digits COLLATE pg_catalog."C" OPERATOR(pg_catalog.~) '^-?[0-9]+([.][0-9]+)?$' THEN
    RETURN digits::numeric;
  END IF;
  RETURN 'Infinity'::numeric;
END
$function$;

CREATE OR REPLACE FUNCTION nereus_text(value json) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $function$
DECLARE
  answer pg_catalog.text := value OPERATOR(pg_catalog.#>>) '{}';
  half pg_catalog.text;
BEGIN
  IF (pg_catalog.json_typeof(value) OPERATOR(pg_catalog.=) ANY ('{object,array}'::pg_catalog.text[])) IS NOT TRUE THEN
    RETURN answer;
  END IF;
  IF pg_catalog.strpos(answer, U&'\E000') OPERATOR(pg_catalog.>) 0 THEN
    FOR half IN
      SELECT DISTINCT escapes[1]
      FROM pg_catalog.regexp_matches(answer, U&'\E000([\+100001-\+100800])' COLLATE pg_catalog."C", 'g') AS escapes
    LOOP
      answer := pg_catalog.replace(answer, U&'\E000' OPERATOR(pg_catalog.||) half, '\u' OPERATOR(pg_catalog.||) pg_catalog.to_hex(
        pg_catalog.ascii(half) OPERATOR(pg_catalog.-) x'100001'::integer OPERATOR(pg_catalog.+) x'd800'::integer
      ));
    END LOOP;
  END IF;
  RETURN pg_catalog.replace(
    pg_catalog.replace(answer, U&'\\u0001\+100001', '\u0000'), U&'\\u0001\+100002', '\u0001'
  );
END
$function$;
