-- Which commits of a group expect something else of a stream, by the commit's number. `heads` are the streams' versions, and
-- `head_ids` the ids of the messages that have them. Of a stream that has another message at the expected version than
-- the known one, nothing is told but that.
DROP FUNCTION nereus_stream_conflicts(jsonb, jsonb, integer[], jsonb);

CREATE FUNCTION nereus_stream_conflicts(streams jsonb, expected jsonb, heads integer[], head_ids text[], refused jsonb) RETURNS jsonb
LANGUAGE sql STABLE
AS $function$
  SELECT jsonb_object_agg(f.c, jsonb_build_object('on', 'stream', 'append', f.a, 'actual', f.actual, 'diverged', f.diverged, 'unseen', (
    SELECT coalesce(jsonb_agg(jsonb_build_array(
      m.position, m.recorded_at, m.occurred_at, m.checksum, m.category, m.type, m.version, m.tenant, m.stream_id, m.id,
      m.correlation_id, m.causation_id, m.traceparent, m.extensions, m.data
    ) ORDER BY m.version), '[]')
    FROM nereus_messages AS m
    WHERE m.stream_id = f.stream ->> 'i' AND m.category = (f.stream ->> 'x')::integer
      AND m.tenant = f.stream ->> 't' AND m.version > f.e AND NOT f.diverged
  )))
  FROM (
    SELECT DISTINCT ON (e.c) e.c, e.a, e.e, heads[e.s + 1] AS actual, streams -> e.s AS stream,
      e.d IS NOT NULL AND e.e <= heads[e.s + 1] AND e.d IS DISTINCT FROM (
        SELECT m.id FROM nereus_messages AS m
        WHERE m.stream_id = streams -> e.s ->> 'i' AND m.category = (streams -> e.s ->> 'x')::integer
          AND m.tenant = streams -> e.s ->> 't' AND m.version = e.e LIMIT 1
      ) AS diverged
    FROM jsonb_to_recordset(expected) AS e (c integer, a integer, s integer, e numeric, d text)
    WHERE (
      CASE WHEN e.e IS NULL THEN heads[e.s + 1] = -1 ELSE heads[e.s + 1] <> e.e OR coalesce(head_ids[e.s + 1] <> e.d, false) END
    ) AND NOT refused ? e.c::text
    ORDER BY e.c, e.a
  ) AS f
$function$;

-- Writes one group of commits, none of which depends on another: first every verdict, then everything that was let.
-- `careful`: also look for message ids that are stored already, instead of failing on them.
-- Answers the head before, the position from which the new ones count, and what was refused, by the commit's number.
CREATE OR REPLACE FUNCTION nereus_write(g jsonb, messages json, careful boolean) RETURNS jsonb
LANGUAGE plpgsql
AS $function$
DECLARE
  refused jsonb := '{}';
  heads integer[];
  head_ids text[];
  head bigint;
  base bigint;
  written integer := 0;
  documents record;
  taken jsonb := '{}';
  unique_conflicts jsonb;
BEGIN
  IF g ? 'keys' THEN
    SELECT refused || coalesce(jsonb_object_agg(k.c, jsonb_build_object('duplicate', jsonb_build_array(
      o.fingerprint, o.result, o.position
    ))), '{}') INTO refused
    FROM jsonb_to_recordset(g -> 'keys') AS k (c integer, t text, k text)
    JOIN LATERAL (SELECT * FROM nereus_outcomes AS o WHERE o.tenant = k.t AND o.key = k.k LIMIT 1) AS o ON true;
  END IF;

  IF g ? 'streams' THEN
    SELECT array_agg(coalesce(h.version, -1) ORDER BY s.ordinality), array_agg(h.id ORDER BY s.ordinality)
    INTO heads, head_ids
    FROM ROWS FROM (jsonb_to_recordset(g -> 'streams') AS (x integer, t text, i text)) WITH ORDINALITY AS s
    LEFT JOIN LATERAL (
      SELECT m.version, m.id FROM nereus_messages AS m
      WHERE m.stream_id = s.i AND m.category = s.x AND m.tenant = s.t
      ORDER BY m.stream_id DESC, m.category DESC, m.tenant DESC, m.version DESC LIMIT 1
    ) AS h ON true;
    IF g ? 'expected' THEN
      PERFORM FROM jsonb_to_recordset(g -> 'expected') AS e (s integer, e numeric, d text)
      WHERE heads[e.s + 1] IS DISTINCT FROM coalesce(e.e, -2) AND (e.e IS NOT NULL OR heads[e.s + 1] = -1)
        OR head_ids[e.s + 1] <> e.d LIMIT 1;
      IF FOUND THEN
        refused := refused || coalesce(
          nereus_stream_conflicts(g -> 'streams', g -> 'expected', heads, head_ids, refused), '{}'
        );
      END IF;
    END IF;
  END IF;

  IF g ? 'documents' THEN
    FOR documents IN
      SELECT * FROM jsonb_to_recordset(g -> 'documents') AS d (name text, checked boolean, rows jsonb)
    LOOP
      IF documents.checked THEN
        refused := refused || coalesce(nereus_document_conflicts(documents.name, documents.rows, refused), '{}');
      END IF;
    END LOOP;
  END IF;

  IF g ? 'checkpoints' THEN
    SELECT refused || coalesce(jsonb_object_agg(k.c, jsonb_build_object('on', 'checkpoint', 'actual', coalesce(p.position, 0))), '{}')
    INTO refused
    FROM jsonb_to_recordset(g -> 'checkpoints') AS k (c integer, n text, e numeric)
    LEFT JOIN LATERAL (SELECT p.position FROM nereus_checkpoints AS p WHERE p.name = k.n LIMIT 1) AS p ON true
    WHERE coalesce(p.position, 0) <> k.e AND NOT refused ? k.c::text;
  END IF;

  IF g ? 'notes' THEN
    PERFORM FROM jsonb_to_recordset(g -> 'notes') AS w (n text, e numeric)
    LEFT JOIN LATERAL (SELECT n.revision FROM nereus_notes AS n WHERE n.name = w.n LIMIT 1) AS n ON true
    WHERE coalesce(n.revision, 0) <> w.e LIMIT 1;
    IF FOUND THEN
      refused := refused || coalesce(nereus_note_conflicts(g -> 'notes', refused), '{}');
    END IF;
  END IF;

  IF g ? 'documents' THEN
    FOR documents IN
      SELECT d.*, k.unique_keys FROM jsonb_to_recordset(g -> 'documents') AS d (name text, rows jsonb)
      JOIN LATERAL (
        SELECT unique_keys FROM nereus_collections AS n WHERE n.table_name = d.name LIMIT 1
      ) AS k ON cardinality(k.unique_keys) > 0
    LOOP
      unique_conflicts := nereus_unique_conflicts(
        documents.name, documents.unique_keys, documents.rows, refused
      );
      SELECT coalesce(jsonb_object_agg(u.key, u.value), '{}') INTO unique_conflicts FROM jsonb_each(unique_conflicts) AS u
      WHERE NOT taken ? u.key OR (taken -> u.key ->> 'write')::integer > (u.value ->> 'write')::integer;
      taken := taken || unique_conflicts;
    END LOOP;
    refused := refused || taken;
  END IF;

  IF g ? 'doubled' THEN
    SELECT refused || coalesce(jsonb_object_agg(d.c, jsonb_build_object('on', 'doubled')), '{}') INTO refused
    FROM jsonb_array_elements_text(g -> 'doubled') AS d (c) WHERE NOT refused ? d.c;
  END IF;

  IF careful OR refused <> '{}' THEN
    SELECT refused || coalesce(jsonb_object_agg(f.c, coalesce(refused -> f.c::text, '{}') || jsonb_build_object('stored', f.places)), '{}')
    INTO refused
    FROM (
      SELECT m.c, jsonb_agg(jsonb_build_array(s.id, s.category, s.tenant, s.stream_id, s.version, s.position)) AS places
      FROM json_to_recordset(messages) AS m (c integer, d text)
      JOIN LATERAL (SELECT * FROM nereus_messages AS s WHERE s.id = m.d LIMIT 1) AS s ON true
      WHERE careful OR refused ? m.c::text
      GROUP BY m.c
    ) AS f;
  END IF;

  head := coalesce((SELECT m.position FROM nereus_messages AS m ORDER BY m.position DESC LIMIT 1), 0);
  base := head;
  IF messages IS NOT NULL THEN
    SELECT greatest(head, CASE WHEN p.is_called THEN p.last_value ELSE 0 END) INTO base FROM nereus_position AS p;
    IF refused = '{}' THEN
      INSERT INTO nereus_messages (
        position, recorded_at, occurred_at, checksum, category, type, version,
        tenant, stream_id, id, correlation_id, causation_id, traceparent, extensions, data
      )
      SELECT base + m.ordinality, m.r, m.o, m.k, m.x, m.y, heads[m.s + 1] + m.v, m.t, m.i, m.d, m.co, m.ca, m.tr, m.ex, m.p
      FROM ROWS FROM (json_to_recordset(messages) AS (
        s integer, v integer, x integer, y integer, k bigint, r bigint, o bigint,
        t text, i text, d text, co text, ca text, tr text, ex text, p text
      )) WITH ORDINALITY AS m;
    ELSE
      INSERT INTO nereus_messages (
        position, recorded_at, occurred_at, checksum, category, type, version,
        tenant, stream_id, id, correlation_id, causation_id, traceparent, extensions, data
      )
      SELECT base + row_number() OVER (ORDER BY m.ordinality), m.r, m.o, m.k, m.x, m.y,
        heads[m.s + 1] + row_number() OVER (PARTITION BY m.s ORDER BY m.ordinality),
        m.t, m.i, m.d, m.co, m.ca, m.tr, m.ex, m.p
      FROM ROWS FROM (json_to_recordset(messages) AS (
        c integer, s integer, x integer, y integer, k bigint, r bigint, o bigint,
        t text, i text, d text, co text, ca text, tr text, ex text, p text
      )) WITH ORDINALITY AS m
      WHERE NOT refused ? m.c::text
      ORDER BY m.ordinality;
    END IF;
    GET DIAGNOSTICS written = ROW_COUNT;
  END IF;

  IF g ? 'documents' THEN
    PERFORM nereus_put_documents(d.name, d.rows, refused, d.passes, d.removes)
    FROM jsonb_to_recordset(g -> 'documents') AS d (name text, passes integer, removes boolean, rows jsonb);
  END IF;
  IF g ? 'outbox' THEN
    INSERT INTO nereus_outbox (id, destination, data)
    SELECT o.i, o.d, o.p
    FROM ROWS FROM (jsonb_to_recordset(g -> 'outbox') AS (c integer, i text, d text, p text)) WITH ORDINALITY AS o
    WHERE NOT refused ? o.c::text ORDER BY o.ordinality;
  END IF;
  IF g ? 'checkpoints' THEN
    INSERT INTO nereus_checkpoints (name, position)
    SELECT k.n, k.p FROM jsonb_to_recordset(g -> 'checkpoints') AS k (c integer, n text, p bigint)
    WHERE NOT refused ? k.c::text
    ON CONFLICT (name) DO UPDATE SET position = excluded.position;
  END IF;
  IF g ? 'changed_notes' THEN
    INSERT INTO nereus_notes (name, revision, data)
    SELECT w.n, w.r, w.p FROM jsonb_to_recordset(g -> 'changed_notes') AS w (c integer, n text, r bigint, p text)
    WHERE NOT refused ? w.c::text
    ON CONFLICT (name) DO UPDATE SET revision = excluded.revision, data = excluded.data;
  END IF;
  IF g ? 'keys' THEN
    INSERT INTO nereus_outcomes (tenant, key, fingerprint, result, position)
    SELECT k.t, k.k, k.f, k.r, CASE
      WHEN k.before = 0 THEN head
      WHEN refused = '{}' THEN base + k.before
      ELSE coalesce(nullif(base + (
        SELECT count(*) FROM json_to_recordset(messages) AS m (c integer)
        WHERE m.c <= k.c AND NOT refused ? m.c::text
      ), base), head)
    END
    FROM jsonb_to_recordset(g -> 'keys') AS k (c integer, t text, k text, f text, r text, before integer)
    WHERE NOT refused ? k.c::text;
  END IF;
  RETURN jsonb_build_object('head', head, 'base', base, 'written', written, 'refused', refused);
END
$function$;

DROP FUNCTION nereus_append(
  text, integer, text, bigint, integer, bigint, bigint, bigint, text, text, text, text, text, text, uuid, bigint, bigint[], text, bigint
);

-- Writes the one message of a commit that has nothing else, as nereus_commit does, if its stream has the expected version
-- (-1: none), there the known message (null: any), and the note, if one is named, its revision; else it writes nothing and answers null, and nereus_commit says why.
CREATE FUNCTION nereus_append(
  of_tenant text, of_category integer, of_id text, expected bigint, of_type integer, checksum bigint, recorded_at bigint,
  occurred_at bigint, message text, correlation text, causation text, traceparent text, extensions text, payload text,
  writer uuid, batch bigint, answered bigint[], note text DEFAULT NULL, revision bigint DEFAULT NULL,
  known text DEFAULT NULL
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
    SELECT CASE WHEN known <> s.id THEN -2 ELSE s.version END FROM nereus_messages AS s
    WHERE s.stream_id = of_id AND s.category = of_category AND s.tenant = of_tenant
    ORDER BY s.stream_id DESC, s.category DESC, s.tenant DESC, s.version DESC LIMIT 1
  ), -1)
  AND (note IS NULL OR nereus_append.revision = coalesce((SELECT n.revision FROM nereus_notes AS n WHERE n.name = note), 0))
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

-- The messages of one stream from a version on, in one row: how many, their types and checksums as lists of numbers,
-- their payloads with a record separator (which no JSON has unescaped) between each two, and the ids of the first and the last.
DROP FUNCTION nereus_replay(text, text, text, text, bigint, bigint);

CREATE FUNCTION nereus_replay(
  of_kind text, of_category text, of_tenant text, of_id text, since bigint, page bigint,
  OUT messages bigint, OUT types text, OUT checksums text, OUT payloads text, OUT first_id text, OUT last_id text
)
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
SET enable_seqscan = off
SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $function$
BEGIN
  SELECT count(*), string_agg(m.type::text, ','), string_agg(m.checksum::text, ','), string_agg(m.data, E'\x1e')
  INTO messages, types, checksums, payloads
  FROM (
    SELECT s.type, s.checksum, s.data FROM nereus_messages AS s
    WHERE s.stream_id = of_id AND s.tenant = of_tenant AND s.version >= since
      AND s.category = (SELECT c.number FROM nereus_categories AS c WHERE c.kind = of_kind AND c.category = of_category)
    ORDER BY s.stream_id, s.category, s.tenant, s.version LIMIT page
  ) AS m;
  IF messages > 0 THEN
    SELECT max(s.id) FILTER (WHERE s.version = since), max(s.id) FILTER (WHERE s.version > since OR messages = 1)
    INTO first_id, last_id
    FROM nereus_messages AS s
    WHERE s.stream_id = of_id AND s.tenant = of_tenant AND s.version IN (since, since + messages - 1)
      AND s.category = (SELECT c.number FROM nereus_categories AS c WHERE c.kind = of_kind AND c.category = of_category);
  END IF;
END
$function$;
