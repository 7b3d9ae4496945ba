-- Writes one group of commits, none of which depends on another: first every verdict, then everything that was let.
-- `careful`: also look for message ids that are stored already, instead of failing on them.
-- Answers the head before, the position from which the new ones count, and what was refused, by the commit's number.
CREATE FUNCTION nereus_write(g jsonb, messages json, careful boolean) RETURNS jsonb
LANGUAGE plpgsql
AS $function$
DECLARE
  refused jsonb := '{}';
  heads integer[];
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
    SELECT array_agg(coalesce(h.version, -1) ORDER BY s.ordinality) INTO heads
    FROM ROWS FROM (jsonb_to_recordset(g -> 'streams') AS (x integer, t text, i text)) WITH ORDINALITY AS s
    LEFT JOIN LATERAL (
      SELECT m.version FROM nereus_messages AS m
      WHERE m.stream_id = s.i AND m.category = s.x AND m.tenant = s.t
      ORDER BY m.stream_id DESC, m.category DESC, m.tenant DESC, m.version DESC LIMIT 1
    ) AS h ON true;
    IF g ? 'expected' THEN
      PERFORM FROM jsonb_to_recordset(g -> 'expected') AS e (s integer, e numeric)
      WHERE heads[e.s + 1] IS DISTINCT FROM coalesce(e.e, -2) AND (e.e IS NOT NULL OR heads[e.s + 1] = -1) LIMIT 1;
      IF FOUND THEN
        refused := refused || coalesce(nereus_stream_conflicts(g -> 'streams', g -> 'expected', heads, refused), '{}');
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
