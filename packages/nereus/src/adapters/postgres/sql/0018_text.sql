-- What a JSON value counts as among texts: null, a text, or its JSON text, in which an escape of what PostgreSQL cannot hold
-- is JSON's own again (see stored-text.ts): elsewhere such escapes stand in the right order as they are stored.
CREATE FUNCTION nereus_text(value json) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $function$
DECLARE
  answer text := value #>> '{}';
  half text;
BEGIN
  IF json_typeof(value) NOT IN ('object', 'array') THEN
    RETURN answer;
  END IF;
  IF strpos(answer, U&'\E000') > 0 THEN
    FOR half IN
      SELECT DISTINCT escapes[1] FROM regexp_matches(answer, U&'\E000([\+100001-\+100800])' COLLATE "C", 'g') AS escapes
    LOOP
      answer := replace(answer, U&'\E000' || half, '\u' || to_hex(ascii(half) - x'100001'::integer + x'd800'::integer));
    END LOOP;
  END IF;
  RETURN replace(replace(answer, U&'\\u0001\+100001', '\u0000'), U&'\\u0001\+100002', '\u0001');
END
$function$;
