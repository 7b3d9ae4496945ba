-- What is to be done at a moment: at is in milliseconds since 1970.
CREATE TABLE nereus_timers (
  owner text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  data text COLLATE "C" NOT NULL,
  PRIMARY KEY (owner, id)
);

CREATE INDEX nereus_timers_by_moment ON nereus_timers (owner, at, id);

-- Sets and takes back the timers of the commits that were let.
CREATE FUNCTION nereus_put_timers(timers jsonb, refused jsonb) RETURNS void
LANGUAGE plpgsql
AS $function$
BEGIN
  DELETE FROM nereus_timers AS n USING jsonb_to_recordset(timers) AS t (c integer, o text, i text, a bigint)
  WHERE n.owner = t.o AND n.id = t.i AND t.a IS NULL AND NOT refused ? t.c::text;
  INSERT INTO nereus_timers (owner, id, at, data)
  SELECT t.o, t.i, t.a, t.p FROM jsonb_to_recordset(timers) AS t (c integer, o text, i text, a bigint, p text)
  WHERE t.a IS NOT NULL AND NOT refused ? t.c::text
  ON CONFLICT (owner, id) DO UPDATE SET at = excluded.at, data = excluded.data;
END
$function$;

-- Writes a batch of commits in the transaction that is open, one group after the other, and answers for each group.
-- `messages` are those of the only group or, in an object, of each group by its number.
-- `writer`, `batch` and `answered` (earlier batches) are null where no lost answer has to be asked for later.
-- Raises NER01 if the batch was given up by nereus_settle.
CREATE OR REPLACE FUNCTION nereus_commit(groups jsonb, messages json, careful boolean, writer uuid, batch bigint, answered bigint[]) RETURNS text
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET enable_seqscan = off
SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $function$
DECLARE
  answers jsonb := '[]';
  answer jsonb;
  last bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('nereus ' || current_schema(), 0));
  FOR at IN 0 .. jsonb_array_length(groups) - 1 LOOP
    answer := nereus_write(
      groups -> at,
      CASE WHEN json_typeof(messages) = 'array' THEN messages ELSE messages -> at::text END,
      careful
    );
    IF groups -> at ? 'timers' THEN
      PERFORM nereus_put_timers(groups -> at -> 'timers', answer -> 'refused');
    END IF;
    answers := answers || jsonb_build_array(answer);
    IF (answer ->> 'written')::integer > 0 THEN
      last := (answer ->> 'base')::bigint + (answer ->> 'written')::integer;
    END IF;
  END LOOP;
  IF writer IS NOT NULL THEN
    DELETE FROM nereus_batches AS b WHERE b.writer = nereus_commit.writer AND b.number = ANY (answered);
    INSERT INTO nereus_batches (writer, number, answer) VALUES (writer, batch, answers::text)
    ON CONFLICT ON CONSTRAINT nereus_batches_pkey DO NOTHING;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'the batch % was given up', batch USING ERRCODE = 'NER01';
    END IF;
  END IF;
  IF last IS NOT NULL THEN
    PERFORM setval('nereus_position', last); -- once nothing more can fail, since it is not undone
    PERFORM pg_notify('nereus_' || md5(current_schema()), last || ' ' || coalesce(writer::text, ''));
  END IF;
  RETURN answers::text;
END
$function$;
