-- Writes the one message of a commit that has nothing else, as nereus_commit does, if its stream has the expected version
-- (-1: none); else it writes nothing and answers null, and nereus_commit says why.
CREATE FUNCTION nereus_append(
  of_tenant text, of_category integer, of_id text, expected bigint, of_type integer, checksum bigint, recorded_at bigint,
  occurred_at bigint, message text, correlation text, causation text, traceparent text, extensions text, payload text,
  writer uuid, batch bigint, answered bigint[]
) RETURNS text
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET enable_seqscan = off
SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $function$
DECLARE
  last bigint;
  answer text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('nereus ' || current_schema(), 0));
  INSERT INTO nereus_messages AS m (
    position, recorded_at, occurred_at, checksum, category, type, version,
    tenant, stream_id, id, correlation_id, causation_id, traceparent, extensions, data
  )
  SELECT 1 + greatest(
      (SELECT h.position FROM nereus_messages AS h ORDER BY h.position DESC LIMIT 1),
      (SELECT CASE WHEN p.is_called THEN p.last_value ELSE 0 END FROM nereus_position AS p)
    ), nereus_append.recorded_at, nereus_append.occurred_at, nereus_append.checksum, of_category, of_type, expected + 1,
    of_tenant, of_id, message, correlation, causation, nereus_append.traceparent, nereus_append.extensions, payload
  WHERE expected = coalesce((
    SELECT s.version FROM nereus_messages AS s
    WHERE s.stream_id = of_id AND s.category = of_category AND s.tenant = of_tenant
    ORDER BY s.stream_id DESC, s.category DESC, s.tenant DESC, s.version DESC LIMIT 1
  ), -1)
  RETURNING m.position INTO last;
  IF last IS NULL THEN
    RETURN NULL;
  END IF;
  IF cardinality(answered) > 0 THEN
    DELETE FROM nereus_batches AS b WHERE b.writer = nereus_append.writer AND b.number = ANY (answered);
  END IF;
  answer := format('[{"head": %s, "base": %s, "written": 1, "refused": {}}]', last - 1, last - 1);
  INSERT INTO nereus_batches (writer, number, answer) VALUES (writer, batch, answer)
  ON CONFLICT ON CONSTRAINT nereus_batches_pkey DO NOTHING;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the batch % was given up', batch USING ERRCODE = 'NER01';
  END IF;
  PERFORM setval('nereus_position', last); -- once nothing more can fail, since it is not undone
  PERFORM pg_notify('nereus_' || md5(current_schema()), last || ' ' || writer);
  RETURN answer;
END
$function$;
