// Written by scripts/embed-sql.mjs from the files in sql/. Do not edit.

/** The steps of the schema, oldest first: the version of a database is how many of them it has had. */
export const migrations: readonly string[] = [
  // 0001_tables.sql
  `CREATE TABLE nereus_migrations (
  number integer NOT NULL PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE nereus_categories (
  number integer NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text COLLATE "C" NOT NULL,
  category text COLLATE "C" NOT NULL,
  UNIQUE (kind, category)
);

CREATE TABLE nereus_types (
  number integer NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  category integer NOT NULL REFERENCES nereus_categories,
  type text COLLATE "C" NOT NULL,
  schema_version integer NOT NULL,
  UNIQUE (category, type, schema_version)
);

CREATE TABLE nereus_messages (
  position bigint NOT NULL PRIMARY KEY,
  recorded_at bigint NOT NULL,
  occurred_at bigint NOT NULL,
  checksum bigint NOT NULL,
  category integer NOT NULL,
  type integer NOT NULL,
  version integer NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  stream_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  correlation_id text COLLATE "C" NOT NULL,
  causation_id text COLLATE "C",
  traceparent text COLLATE "C",
  extensions text COLLATE "C",
  data text COLLATE "C" NOT NULL
);

CREATE UNIQUE INDEX nereus_messages_by_stream ON nereus_messages (stream_id, category, tenant, version);
CREATE UNIQUE INDEX nereus_messages_by_id ON nereus_messages (id);
CREATE INDEX nereus_messages_by_type ON nereus_messages (type, position);
CREATE INDEX nereus_messages_by_correlation ON nereus_messages (correlation_id, position);
CREATE INDEX nereus_messages_by_tenant ON nereus_messages (tenant, type, position) WHERE tenant <> '';

CREATE SEQUENCE nereus_position;

CREATE TABLE nereus_checkpoints (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  position bigint NOT NULL
);

CREATE TABLE nereus_outcomes (
  tenant text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  fingerprint text COLLATE "C" NOT NULL,
  result text COLLATE "C",
  position bigint NOT NULL,
  PRIMARY KEY (tenant, key)
);

CREATE TABLE nereus_outbox (
  sequence bigint NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL,
  destination text COLLATE "C" NOT NULL,
  data text COLLATE "C" NOT NULL
);

CREATE TABLE nereus_batches (
  writer uuid NOT NULL,
  number bigint NOT NULL,
  answer text COLLATE "C",
  written_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (writer, number)
);

CREATE TABLE nereus_collections (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  table_name text COLLATE "C" NOT NULL UNIQUE,
  layout text COLLATE "C" NOT NULL,
  unique_keys text[] COLLATE "C" NOT NULL
);

CREATE TABLE nereus_removed (
  table_name text COLLATE "C" NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  PRIMARY KEY (table_name, tenant, id)
);

CREATE VIEW nereus_log AS
SELECT m.position, m.tenant, c.kind, c.category, m.stream_id, m.version, t.type, t.schema_version, m.data,
  to_timestamp(m.recorded_at / 1000.0) AS recorded_at,
  to_timestamp(m.occurred_at / 1000.0) AS occurred_at,
  m.id, m.correlation_id, m.causation_id, m.traceparent, m.extensions, m.checksum
FROM nereus_messages AS m
JOIN nereus_types AS t ON t.number = m.type
JOIN nereus_categories AS c ON c.number = t.category;`,
  // 0002_compared_number.sql
  `CREATE FUNCTION nereus_number(value json) RETURNS numeric
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
$function$;`,
  // 0003_compared_whole_number.sql
  `CREATE FUNCTION nereus_whole_number(value json) RETURNS numeric
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
$function$;`,
  // 0004_unique_key.sql
  `CREATE FUNCTION nereus_unique_key(document json, fields text[], defaults json) RETURNS bytea
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
$function$;`,
  // 0005_register_types.sql
  `CREATE FUNCTION nereus_register_types(types jsonb) RETURNS void
LANGUAGE sql
SET search_path FROM CURRENT
AS $function$
  INSERT INTO nereus_categories (kind, category)
  SELECT DISTINCT kind, category FROM jsonb_to_recordset(types) AS t (kind text, category text)
  ON CONFLICT DO NOTHING;
  INSERT INTO nereus_types (category, type, schema_version)
  SELECT DISTINCT c.number, t.type, t.version
  FROM jsonb_to_recordset(types) AS t (kind text, category text, type text, version integer)
  JOIN nereus_categories AS c ON c.kind = t.kind AND c.category = t.category
  WHERE t.type IS NOT NULL
  ON CONFLICT DO NOTHING;
$function$;`,
  // 0006_lock.sql
  `CREATE FUNCTION nereus_lock() RETURNS void
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $function$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('nereus ' || current_schema(), 0));
END
$function$;`,
  // 0007_stream_conflicts.sql
  `CREATE FUNCTION nereus_stream_conflicts(streams jsonb, expected jsonb, heads integer[], refused jsonb) RETURNS jsonb
LANGUAGE sql STABLE
AS $function$
  SELECT jsonb_object_agg(f.c, jsonb_build_object('on', 'stream', 'append', f.a, 'actual', f.actual, 'unseen', (
    SELECT coalesce(jsonb_agg(jsonb_build_array(
      m.position, m.recorded_at, m.occurred_at, m.checksum, m.category, m.type, m.version, m.tenant, m.stream_id, m.id,
      m.correlation_id, m.causation_id, m.traceparent, m.extensions, m.data
    ) ORDER BY m.version), '[]')
    FROM nereus_messages AS m
    WHERE m.stream_id = f.stream ->> 'i' AND m.category = (f.stream ->> 'x')::integer
      AND m.tenant = f.stream ->> 't' AND m.version > f.e
  )))
  FROM (
    SELECT DISTINCT ON (e.c) e.c, e.a, e.e, heads[e.s + 1] AS actual, streams -> e.s AS stream
    FROM jsonb_to_recordset(expected) AS e (c integer, a integer, s integer, e numeric)
    WHERE CASE WHEN e.e IS NULL THEN heads[e.s + 1] = -1 ELSE heads[e.s + 1] <> e.e END AND NOT refused ? e.c::text
    ORDER BY e.c, e.a
  ) AS f
$function$;`,
  // 0008_document_conflicts.sql
  `CREATE FUNCTION nereus_document_conflicts(of_table text, writes jsonb, refused jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $function$
DECLARE
  conflicts jsonb;
BEGIN
  EXECUTE format($query$
    SELECT jsonb_object_agg(f.c, jsonb_build_object('on', 'document', 'write', f.w, 'version', f.version, 'data', f.data))
    FROM (
      SELECT DISTINCT ON (d.c) d.c, d.w, s._version AS version, s._data::text AS data
      FROM jsonb_to_recordset($1) AS d (c integer, w integer, t text, i text, x boolean, e numeric)
      LEFT JOIN LATERAL (
        SELECT _version, _data FROM %I WHERE _tenant = d.t AND _id = d.i LIMIT 1
      ) AS s ON true
      WHERE d.x AND CASE WHEN d.e IS NULL THEN s._version IS NULL ELSE coalesce(s._version, -1) <> d.e END
        AND (NOT $2 ? d.c::text OR (($2 -> d.c::text) ->> 'write')::integer > d.w)
      ORDER BY d.c, d.w
    ) AS f
  $query$, of_table) INTO conflicts USING writes, refused;
  RETURN conflicts;
END
$function$;`,
  // 0009_unique_conflicts.sql
  `CREATE FUNCTION nereus_unique_conflicts(of_table text, keys text[], writes jsonb, refused jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $function$
DECLARE
  conflicts jsonb := '{}';
  keyed jsonb;
  taken record;
BEGIN
  FOR list IN 1 .. cardinality(keys) LOOP
    EXECUTE format($query$
      SELECT jsonb_agg(jsonb_build_object('c', c, 'w', w, 't', t, 'i', i, 'key', %s))
      FROM (
        SELECT c, w, t, i, p::json AS _data
        FROM jsonb_to_recordset($1) AS d (c integer, w integer, t text, i text, l boolean, p text)
        WHERE l AND p IS NOT NULL AND NOT $2 ? c::text
      ) AS written
    $query$, keys[list]) INTO keyed USING writes, refused;
    CONTINUE WHEN keyed IS NULL;
    PERFORM FROM jsonb_to_recordset(keyed) AS k (c integer, t text, key bytea)
      WHERE k.key IS NOT NULL GROUP BY k.t, k.key HAVING min(k.c) <> max(k.c) LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'commits of one group write the same values' USING ERRCODE = 'NER02';
    END IF;
    FOR taken IN EXECUTE format($query$
      SELECT k.c, k.w, coalesce(stored._id, (
        SELECT o.i FROM jsonb_to_recordset($1) AS o (c integer, w integer, t text, i text, key bytea)
        WHERE o.c = k.c AND o.w < k.w AND o.t = k.t AND o.key = k.key ORDER BY o.w LIMIT 1
      )) AS holder, (
        SELECT min(d.c) FROM jsonb_to_recordset($2) AS d (c integer, t text, i text)
        WHERE d.t = k.t AND d.i = stored._id
      ) AS writer
      FROM jsonb_to_recordset($1) AS k (c integer, w integer, t text, i text, key bytea)
      LEFT JOIN LATERAL (
        SELECT s._id FROM (SELECT _tenant, _id, _data FROM %I) AS s
        WHERE s._tenant = k.t AND %s = k.key AND s._id <> k.i AND NOT EXISTS (
          SELECT FROM jsonb_to_recordset($2) AS d (c integer, t text, i text)
          WHERE d.c = k.c AND d.t = k.t AND d.i = s._id
        )
        LIMIT 1
      ) AS stored ON true
      WHERE k.key IS NOT NULL
    $query$, of_table, keys[list]) USING keyed, writes LOOP
      CONTINUE WHEN taken.holder IS NULL;
      IF taken.writer < taken.c THEN
        RAISE EXCEPTION 'a commit depends on another of its group' USING ERRCODE = 'NER02';
      END IF;
      CONTINUE WHEN (conflicts -> taken.c::text ->> 'write')::integer <= taken.w;
      conflicts := conflicts || jsonb_build_object(taken.c, jsonb_build_object(
        'on', 'unique', 'write', taken.w, 'holder', taken.holder, 'list', list - 1,
        'layout', (SELECT n.layout FROM nereus_collections AS n WHERE n.table_name = of_table)
      ));
    END LOOP;
  END LOOP;
  RETURN conflicts;
END
$function$;`,
  // 0010_put_documents.sql
  `CREATE FUNCTION nereus_put_documents(of_table text, writes jsonb, refused jsonb, passes integer, removes boolean)
RETURNS void
LANGUAGE plpgsql
AS $function$
BEGIN
  FOR pass IN 0 .. passes - 1 LOOP
    IF removes THEN
      EXECUTE format($query$
        WITH gone AS (
          DELETE FROM %1$I AS s
          USING jsonb_to_recordset($1) AS d (c integer, t text, i text, z integer, r boolean)
          WHERE d.r IS NOT NULL AND d.z = $3 AND NOT $2 ? d.c::text AND s._tenant = d.t AND s._id = d.i
          RETURNING d.t, d.i, d.r, s._version AS version
        )
        INSERT INTO nereus_removed (table_name, tenant, id, version)
        SELECT %2$L, t, i, version FROM gone WHERE r
        ON CONFLICT ON CONSTRAINT nereus_removed_pkey DO UPDATE SET version = excluded.version
      $query$, of_table, of_table) USING writes, refused, pass;
    END IF;
    EXECUTE format($query$
      INSERT INTO %1$I AS s (_tenant, _id, _version, _data)
      SELECT d.t, d.i, coalesce((
        SELECT r.version FROM nereus_removed AS r WHERE r.table_name = %2$L AND r.tenant = d.t AND r.id = d.i
      ), -1) + 1, d.p::json
      FROM jsonb_to_recordset($1) AS d (c integer, t text, i text, z integer, p text)
      WHERE d.p IS NOT NULL AND d.z = $3 AND NOT $2 ? d.c::text
      ON CONFLICT (_tenant, _id) DO UPDATE SET _version = s._version + 1, _data = excluded._data
    $query$, of_table, of_table) USING writes, refused, pass;
  END LOOP;
END
$function$;`,
  // 0011_write.sql
  `CREATE FUNCTION nereus_write(g jsonb, messages json, careful boolean) RETURNS jsonb
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
$function$;`,
  // 0012_commit.sql
  `CREATE FUNCTION nereus_commit(groups jsonb, messages json, careful boolean, writer uuid, batch bigint, answered bigint[]) RETURNS text
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
$function$;`,
  // 0013_settle.sql
  `CREATE FUNCTION nereus_settle(writer uuid, batch bigint) RETURNS text
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $function$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('nereus ' || current_schema(), 0));
  INSERT INTO nereus_batches (writer, number) VALUES (writer, batch) ON CONFLICT DO NOTHING;
  RETURN (SELECT b.answer FROM nereus_batches AS b WHERE b.writer = nereus_settle.writer AND b.number = batch);
END
$function$;`,
  // 0014_read_log.sql
  `CREATE FUNCTION nereus_read_log(
  after bigint, page bigint, of_kinds text[], of_categories text[], of_types text[], of_tenant text, correlation text
) RETURNS SETOF nereus_messages
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
SET enable_seqscan = off
SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $function$
DECLARE
  last bigint := greatest(after, coalesce((SELECT m.position FROM nereus_messages AS m ORDER BY m.position DESC LIMIT 1), 0));
  near bigint;
  wanted integer[];
  found bigint := 0;
  through nereus_messages;
BEGIN
  through.position := last;
  SELECT array_agg(t.number) INTO wanted
  FROM nereus_categories AS c JOIN nereus_types AS t ON t.category = c.number
  WHERE c.kind = ANY (of_kinds) AND (of_categories IS NULL OR c.category = ANY (of_categories))
    AND (of_types IS NULL OR t.type = ANY (of_types));
  IF wanted IS NULL OR after >= last THEN
    RETURN NEXT through;
    RETURN;
  END IF;
  IF correlation IS NOT NULL THEN
    RETURN QUERY SELECT * FROM nereus_messages AS m
      WHERE m.correlation_id = correlation AND m.position > after AND m.position <= last
        AND m.type = ANY (wanted) AND (of_tenant IS NULL OR m.tenant = of_tenant)
      ORDER BY m.correlation_id, m.position LIMIT page;
    RETURN NEXT through;
    RETURN;
  END IF;
  -- Where most of the log matches, or little of it is new, it is fastest read through; else the types' index entries
  -- are merged.
  near := CASE
    WHEN cardinality(wanted) > 256 THEN last
    WHEN cardinality(wanted) > 8 OR last - after <= page * 2 THEN least(last, after + page * 2)
    ELSE after
  END;
  IF near > after THEN
    RETURN QUERY SELECT * FROM nereus_messages AS m
      WHERE m.position > after AND m.position <= near AND m.type = ANY (wanted)
        AND (of_tenant IS NULL OR m.tenant = of_tenant)
      ORDER BY m.position LIMIT page;
    GET DIAGNOSTICS found = ROW_COUNT;
  END IF;
  IF found < page AND near < last THEN
    IF of_tenant <> '' THEN
      RETURN QUERY SELECT m.* FROM (
          SELECT p.position FROM unnest(wanted) AS w (type) CROSS JOIN LATERAL (
            SELECT e.position FROM nereus_messages AS e
            WHERE e.tenant = of_tenant AND e.tenant <> '' AND e.type = w.type AND e.position > near AND e.position <= last
            ORDER BY e.tenant, e.type, e.position LIMIT page - found
          ) AS p ORDER BY p.position LIMIT page - found
        ) AS p CROSS JOIN LATERAL (SELECT * FROM nereus_messages AS s WHERE s.position = p.position LIMIT 1) AS m
        ORDER BY p.position;
    ELSE
      RETURN QUERY SELECT m.* FROM (
          SELECT p.position FROM unnest(wanted) AS w (type) CROSS JOIN LATERAL (
            SELECT e.position FROM nereus_messages AS e
            WHERE e.type = w.type AND e.position > near AND e.position <= last
              AND (of_tenant IS NULL OR e.tenant = of_tenant)
            ORDER BY e.type, e.position LIMIT page - found
          ) AS p ORDER BY p.position LIMIT page - found
        ) AS p CROSS JOIN LATERAL (SELECT * FROM nereus_messages AS s WHERE s.position = p.position LIMIT 1) AS m
        ORDER BY p.position;
    END IF;
  END IF;
  RETURN NEXT through;
END
$function$;`,
  // 0015_read_stream.sql
  `CREATE FUNCTION nereus_read_stream(
  of_kind text, of_category text, of_tenant text, of_id text, since bigint, page bigint, backwards boolean
) RETURNS SETOF nereus_messages
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
SET enable_seqscan = off
SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $function$
DECLARE
  number integer := (SELECT c.number FROM nereus_categories AS c WHERE c.kind = of_kind AND c.category = of_category);
BEGIN
  IF backwards THEN
    RETURN QUERY SELECT * FROM nereus_messages AS m
      WHERE m.stream_id = of_id AND m.category = number AND m.tenant = of_tenant AND m.version <= since
      ORDER BY m.stream_id DESC, m.category DESC, m.tenant DESC, m.version DESC LIMIT page;
  ELSE
    RETURN QUERY SELECT * FROM nereus_messages AS m
      WHERE m.stream_id = of_id AND m.category = number AND m.tenant = of_tenant AND m.version >= since
      ORDER BY m.stream_id, m.category, m.tenant, m.version LIMIT page;
  END IF;
END
$function$;`,
  // 0016_replay.sql
  `CREATE FUNCTION nereus_replay(
  of_kind text, of_category text, of_tenant text, of_id text, since bigint, page bigint,
  OUT messages bigint, OUT types text, OUT checksums text, OUT payloads text
)
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
SET enable_seqscan = off
SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $function$
BEGIN
  SELECT count(*), string_agg(m.type::text, ','), string_agg(m.checksum::text, ','), string_agg(m.data, E'\\x1e')
  INTO messages, types, checksums, payloads
  FROM (
    SELECT s.type, s.checksum, s.data FROM nereus_messages AS s
    WHERE s.stream_id = of_id AND s.tenant = of_tenant AND s.version >= since
      AND s.category = (SELECT c.number FROM nereus_categories AS c WHERE c.kind = of_kind AND c.category = of_category)
    ORDER BY s.stream_id, s.category, s.tenant, s.version LIMIT page
  ) AS m;
END
$function$;`,
  // 0017_append.sql
  `CREATE FUNCTION nereus_append(
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
$function$;`,
  // 0018_text.sql
  `CREATE FUNCTION nereus_text(value json) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $function$
DECLARE
  answer text := value #>> '{}';
  half text;
BEGIN
  IF json_typeof(value) NOT IN ('object', 'array') THEN
    RETURN answer;
  END IF;
  IF strpos(answer, U&'\\E000') > 0 THEN
    FOR half IN
      SELECT DISTINCT escapes[1] FROM regexp_matches(answer, U&'\\E000([\\+100001-\\+100800])' COLLATE "C", 'g') AS escapes
    LOOP
      answer := replace(answer, U&'\\E000' || half, '\\u' || to_hex(ascii(half) - x'100001'::integer + x'd800'::integer));
    END LOOP;
  END IF;
  RETURN replace(replace(answer, U&'\\\\u0001\\+100001', '\\u0000'), U&'\\\\u0001\\+100002', '\\u0001');
END
$function$;`,
  // 0019_timers.sql
  `CREATE TABLE nereus_timers (
  owner text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  data text COLLATE "C" NOT NULL,
  PRIMARY KEY (owner, id)
);

CREATE INDEX nereus_timers_by_moment ON nereus_timers (owner, at, id);

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
$function$;`,
  // 0020_notes.sql
  `CREATE TABLE nereus_notes (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  revision bigint NOT NULL,
  data text COLLATE "C" NOT NULL
);

CREATE FUNCTION nereus_note_conflicts(notes jsonb, refused jsonb) RETURNS jsonb
LANGUAGE sql
AS $function$
  SELECT jsonb_object_agg(f.c, jsonb_build_object('on', 'note', 'write', f.w, 'revision', f.revision, 'data', f.data))
  FROM (
    SELECT DISTINCT ON (c.c) c.c, c.w, n.revision, n.data
    FROM jsonb_to_recordset(notes) AS w (n text, e numeric, by jsonb)
    CROSS JOIN LATERAL (SELECT (b.b ->> 0)::integer AS c, (b.b ->> 1)::integer AS w FROM jsonb_array_elements(w.by) AS b (b)) AS c
    LEFT JOIN nereus_notes AS n ON n.name = w.n
    WHERE coalesce(n.revision, 0) <> w.e AND NOT refused ? c.c::text
    ORDER BY c.c, c.w
  ) AS f;
$function$;

CREATE OR REPLACE FUNCTION nereus_write(g jsonb, messages json, careful boolean) RETURNS jsonb
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
  text, integer, text, bigint, integer, bigint, bigint, bigint, text, text, text, text, text, text, uuid, bigint, bigint[]
);

CREATE FUNCTION nereus_append(
  of_tenant text, of_category integer, of_id text, expected bigint, of_type integer, checksum bigint, recorded_at bigint,
  occurred_at bigint, message text, correlation text, causation text, traceparent text, extensions text, payload text,
  writer uuid, batch bigint, answered bigint[], note text DEFAULT NULL, revision bigint DEFAULT NULL
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
$function$;`,
  // 0021_expected_ids.sql
  `DROP FUNCTION nereus_stream_conflicts(jsonb, jsonb, integer[], jsonb);

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
  SELECT count(*), string_agg(m.type::text, ','), string_agg(m.checksum::text, ','), string_agg(m.data, E'\\x1e')
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
$function$;`,
  // 0022_one_meaning.sql
  `DO $do$
DECLARE
  one regprocedure;
BEGIN
  FOR one IN
    SELECT p.oid::regprocedure FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname = current_schema() AND starts_with(p.proname, 'nereus_')
      AND EXISTS (SELECT FROM unnest(p.proconfig) AS c (setting) WHERE starts_with(c.setting, 'search_path='))
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path FROM CURRENT', one);
  END LOOP;
END
$do$;

CREATE OR REPLACE FUNCTION nereus_document_conflicts(of_table text, writes jsonb, refused jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $function$
DECLARE
  conflicts jsonb;
BEGIN
  EXECUTE format($query$
    SELECT jsonb_object_agg(f.c, jsonb_build_object('on', 'document', 'write', f.w, 'version', f.version, 'data', f.data))
    FROM (
      SELECT DISTINCT ON (d.c) d.c, d.w, s._version AS version, s._data::text AS data
      FROM jsonb_to_recordset($1) AS d (c integer, w integer, t text, i text, x boolean, e numeric)
      LEFT JOIN LATERAL (
        SELECT _version, _data FROM %s WHERE _tenant = d.t AND _id = d.i LIMIT 1
      ) AS s ON true
      WHERE d.x AND CASE WHEN d.e IS NULL THEN s._version IS NULL ELSE coalesce(s._version, -1) <> d.e END
        AND (NOT $2 ? d.c::text OR (($2 -> d.c::text) ->> 'write')::integer > d.w)
      ORDER BY d.c, d.w
    ) AS f
  $query$, format('%I.%I', current_schema(), of_table)) INTO conflicts USING writes, refused;
  RETURN conflicts;
END
$function$;

CREATE OR REPLACE FUNCTION nereus_unique_conflicts(of_table text, keys text[], writes jsonb, refused jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $function$
DECLARE
  conflicts jsonb := '{}';
  keyed jsonb;
  taken record;
BEGIN
  FOR list IN 1 .. cardinality(keys) LOOP
    EXECUTE format($query$
      SELECT jsonb_agg(jsonb_build_object('c', c, 'w', w, 't', t, 'i', i, 'key', %s))
      FROM (
        SELECT c, w, t, i, p::json AS _data
        FROM jsonb_to_recordset($1) AS d (c integer, w integer, t text, i text, l boolean, p text)
        WHERE l AND p IS NOT NULL AND NOT $2 ? c::text
      ) AS written
    $query$, keys[list]) INTO keyed USING writes, refused;
    CONTINUE WHEN keyed IS NULL;
    PERFORM FROM jsonb_to_recordset(keyed) AS k (c integer, t text, key bytea)
      WHERE k.key IS NOT NULL GROUP BY k.t, k.key HAVING min(k.c) <> max(k.c) LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'commits of one group write the same values' USING ERRCODE = 'NER02';
    END IF;
    FOR taken IN EXECUTE format($query$
      SELECT k.c, k.w, coalesce(stored._id, (
        SELECT o.i FROM jsonb_to_recordset($1) AS o (c integer, w integer, t text, i text, key bytea)
        WHERE o.c = k.c AND o.w < k.w AND o.t = k.t AND o.key = k.key ORDER BY o.w LIMIT 1
      )) AS holder, (
        SELECT min(d.c) FROM jsonb_to_recordset($2) AS d (c integer, t text, i text)
        WHERE d.t = k.t AND d.i = stored._id
      ) AS writer
      FROM jsonb_to_recordset($1) AS k (c integer, w integer, t text, i text, key bytea)
      LEFT JOIN LATERAL (
        SELECT s._id FROM (SELECT _tenant, _id, _data FROM %s) AS s
        WHERE s._tenant = k.t AND %s = k.key AND s._id <> k.i AND NOT EXISTS (
          SELECT FROM jsonb_to_recordset($2) AS d (c integer, t text, i text)
          WHERE d.c = k.c AND d.t = k.t AND d.i = s._id
        )
        LIMIT 1
      ) AS stored ON true
      WHERE k.key IS NOT NULL
    $query$, format('%I.%I', current_schema(), of_table), keys[list]) USING keyed, writes LOOP
      CONTINUE WHEN taken.holder IS NULL;
      IF taken.writer < taken.c THEN
        RAISE EXCEPTION 'a commit depends on another of its group' USING ERRCODE = 'NER02';
      END IF;
      CONTINUE WHEN (conflicts -> taken.c::text ->> 'write')::integer <= taken.w;
      conflicts := conflicts || jsonb_build_object(taken.c, jsonb_build_object(
        'on', 'unique', 'write', taken.w, 'holder', taken.holder, 'list', list - 1,
        'layout', (SELECT n.layout FROM nereus_collections AS n WHERE n.table_name = of_table)
      ));
    END LOOP;
  END LOOP;
  RETURN conflicts;
END
$function$;

CREATE OR REPLACE FUNCTION nereus_put_documents(of_table text, writes jsonb, refused jsonb, passes integer, removes boolean)
RETURNS void
LANGUAGE plpgsql
AS $function$
BEGIN
  FOR pass IN 0 .. passes - 1 LOOP
    IF removes THEN
      EXECUTE format($query$
        WITH gone AS (
          DELETE FROM %1$s AS s
          USING jsonb_to_recordset($1) AS d (c integer, t text, i text, z integer, r boolean)
          WHERE d.r IS NOT NULL AND d.z = $3 AND NOT $2 ? d.c::text AND s._tenant = d.t AND s._id = d.i
          RETURNING d.t, d.i, d.r, s._version AS version
        )
        INSERT INTO nereus_removed (table_name, tenant, id, version)
        SELECT %2$L, t, i, version FROM gone WHERE r
        ON CONFLICT ON CONSTRAINT nereus_removed_pkey DO UPDATE SET version = excluded.version
      $query$, format('%I.%I', current_schema(), of_table), of_table) USING writes, refused, pass;
    END IF;
    EXECUTE format($query$
      INSERT INTO %1$s AS s (_tenant, _id, _version, _data)
      SELECT d.t, d.i, coalesce((
        SELECT r.version FROM nereus_removed AS r WHERE r.table_name = %2$L AND r.tenant = d.t AND r.id = d.i
      ), -1) + 1, d.p::json
      FROM jsonb_to_recordset($1) AS d (c integer, t text, i text, z integer, p text)
      WHERE d.p IS NOT NULL AND d.z = $3 AND NOT $2 ? d.c::text
      ON CONFLICT (_tenant, _id) DO UPDATE SET _version = s._version + 1, _data = excluded._data
    $query$, format('%I.%I', current_schema(), of_table), of_table) USING writes, refused, pass;
  END LOOP;
END
$function$;`,
  // 0023_decimal.sql
  `CREATE FUNCTION nereus_decimal(value json) RETURNS numeric
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
$function$;`,
  // 0024_own_names.sql
  `CREATE OR REPLACE FUNCTION nereus_number(value json) RETURNS numeric
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
  IF pg_catalog.strpos(answer, U&'\\E000') OPERATOR(pg_catalog.>) 0 THEN
    FOR half IN
      SELECT DISTINCT escapes[1]
      FROM pg_catalog.regexp_matches(answer, U&'\\E000([\\+100001-\\+100800])' COLLATE pg_catalog."C", 'g') AS escapes
    LOOP
      answer := pg_catalog.replace(answer, U&'\\E000' OPERATOR(pg_catalog.||) half, '\\u' OPERATOR(pg_catalog.||) pg_catalog.to_hex(
        pg_catalog.ascii(half) OPERATOR(pg_catalog.-) x'100001'::integer OPERATOR(pg_catalog.+) x'd800'::integer
      ));
    END LOOP;
  END IF;
  RETURN pg_catalog.replace(
    pg_catalog.replace(answer, U&'\\\\u0001\\+100001', '\\u0000'), U&'\\\\u0001\\+100002', '\\u0001'
  );
END
$function$;`,
  // 0026_type_numbers.sql
  `ALTER TABLE nereus_categories ALTER COLUMN number DROP IDENTITY;
ALTER TABLE nereus_types ALTER COLUMN number DROP IDENTITY;

CREATE FUNCTION nereus_name_number(name jsonb, attempt integer) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $function$
  SELECT ('x' || left(encode(sha256(convert_to(attempt || name::text, 'UTF8')), 'hex'), 8))::bit(31)::integer % 2147483647 + 1
$function$;

CREATE OR REPLACE FUNCTION nereus_register_types(types jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $function$
DECLARE
  new record;
  attempt integer;
BEGIN
  FOR new IN
    SELECT DISTINCT t.kind, t.category FROM jsonb_to_recordset(types) AS t (kind text, category text) ORDER BY 1, 2
  LOOP
    attempt := 0;
    WHILE NOT EXISTS (
      SELECT FROM nereus_categories AS c WHERE c.kind = new.kind AND c.category = new.category
    ) LOOP
      INSERT INTO nereus_categories (number, kind, category)
      VALUES (nereus_name_number(jsonb_build_array(new.kind, new.category), attempt), new.kind, new.category)
      ON CONFLICT DO NOTHING;
      attempt := attempt + 1;
    END LOOP;
  END LOOP;
  FOR new IN
    SELECT DISTINCT t.kind, t.category, t.type, t.version, c.number
    FROM jsonb_to_recordset(types) AS t (kind text, category text, type text, version integer)
    JOIN nereus_categories AS c ON c.kind = t.kind AND c.category = t.category
    WHERE t.type IS NOT NULL ORDER BY 1, 2, 3, 4
  LOOP
    attempt := 0;
    WHILE NOT EXISTS (
      SELECT FROM nereus_types AS t
      WHERE t.category = new.number AND t.type = new.type AND t.schema_version = new.version
    ) LOOP
      INSERT INTO nereus_types (number, category, type, schema_version)
      VALUES (
        nereus_name_number(jsonb_build_array(new.kind, new.category, new.type, new.version), attempt),
        new.number, new.type, new.version
      )
      ON CONFLICT DO NOTHING;
      attempt := attempt + 1;
    END LOOP;
  END LOOP;
END
$function$;

DO $do$
BEGIN
  EXECUTE format($create$
    CREATE FUNCTION nereus_are_registered(types integer[]) RETURNS boolean
    LANGUAGE plpgsql
    AS $function$
    DECLARE
      one integer;
    BEGIN
      FOREACH one IN ARRAY types LOOP
        IF NOT EXISTS (SELECT FROM %I.nereus_types AS t WHERE t.number OPERATOR(pg_catalog.=) one) THEN
          RETURN false;
        END IF;
      END LOOP;
      RETURN true;
    END
    $function$
  $create$, current_schema());
END
$do$;

CREATE OR REPLACE FUNCTION nereus_append(
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
  AND EXISTS (SELECT FROM nereus_types AS t WHERE t.number = of_type)
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
$function$;`,
];

export const append: string = `SELECT nereus_append(
  $1::pg_catalog.text, $2::integer, $3::pg_catalog.text, $4::bigint, $5::integer, $6::bigint, $7::bigint, $8::bigint, $9::pg_catalog.text, $10::pg_catalog.text,
  $11::pg_catalog.text, $12::pg_catalog.text, $13::pg_catalog.text, $14::pg_catalog.text, $15::pg_catalog.uuid, $16::bigint, $17::bigint[],
  $18::pg_catalog.text, $19::bigint, $20::pg_catalog.text
)`;

export const blockers: string = `SELECT pg_catalog.format(
  'the session %s of %s (application %s, user %s, %s since %s)',
  pid,
  coalesce(pg_catalog.host(client_addr), 'this machine'),
  CASE WHEN application_name OPERATOR(pg_catalog.<>) '' THEN application_name ELSE 'unnamed' END,
  coalesce(usename, '?'),
  coalesce(state, 'in an unknown state'),
  coalesce(pg_catalog.to_char(coalesce(xact_start, state_change) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '?')
)
FROM pg_catalog.pg_stat_activity
WHERE pid OPERATOR(pg_catalog.=) ANY (pg_catalog.pg_blocking_pids($1::integer))
  OR $1 IS NULL AND pid OPERATOR(pg_catalog.=) ANY (ARRAY(
    SELECT h.pid
    FROM pg_catalog.pg_locks AS w
    JOIN pg_catalog.pg_locks AS h ON h.locktype OPERATOR(pg_catalog.=) w.locktype
      AND h.database OPERATOR(pg_catalog.=) w.database AND h.classid OPERATOR(pg_catalog.=) w.classid
      AND h.objid OPERATOR(pg_catalog.=) w.objid AND h.objsubid OPERATOR(pg_catalog.=) w.objsubid
    WHERE w.locktype OPERATOR(pg_catalog.=) 'advisory' AND NOT w.granted AND h.granted
      AND w.database OPERATOR(pg_catalog.=) (
        SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
      )
      AND ((w.classid::bigint OPERATOR(pg_catalog.<<) 32) OPERATOR(pg_catalog.|) w.objid::bigint) OPERATOR(pg_catalog.=)
        pg_catalog.hashtextextended('nereus ' OPERATOR(pg_catalog.||) $2::pg_catalog.text, 0)
  ))`;

export const checkpoint: string = `SELECT position FROM nereus_checkpoints WHERE name OPERATOR(pg_catalog.=) $1`;

export const collections: string = `SELECT name, table_name, layout FROM nereus_collections`;

export const commitIn: string = `SELECT CASE WHEN pg_catalog.pg_current_xact_id()::pg_catalog.text OPERATOR(pg_catalog.=) $8::pg_catalog.text THEN CASE
  WHEN nereus_are_registered($4::pg_catalog._int4)
  THEN nereus_commit($1::pg_catalog.jsonb, $2::pg_catalog.json, $3::pg_catalog.bool, $5::pg_catalog.uuid, $6::pg_catalog.int8, $7::pg_catalog._int8)
  ELSE 'unregistered' END
END AS answer`;

export const commit: string = `SELECT CASE WHEN nereus_are_registered($4::integer[])
  THEN nereus_commit($1::pg_catalog.jsonb, $2::pg_catalog.json, $3::boolean, $5::pg_catalog.uuid, $6::bigint, $7::bigint[])
  ELSE 'unregistered' END`;

export const dependentViews: string = `SELECT DISTINCT r.ev_class::regclass::text
FROM pg_depend AS d
JOIN pg_rewrite AS r ON r.oid = d.objid
JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
JOIN pg_class AS c ON c.oid = d.refobjid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
  AND n.nspname = $1 AND c.relname = $2 AND a.attname = ANY ($3::text[]) AND r.ev_class <> c.oid
ORDER BY 1`;

export const forgetBatches: string = `DELETE FROM nereus_batches WHERE written_at OPERATOR(pg_catalog.<) (pg_catalog.now() OPERATOR(pg_catalog.-) interval '7 days')`;

export const head: string = `SELECT coalesce(pg_catalog.max(position), 0)::bigint FROM nereus_messages`;

export const hiddenRows: string = `SELECT c.relname::text
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = $1
WHERE c.relname = ANY ($2::text[]) AND row_security_active(c.oid)
ORDER BY c.relname`;

export const isSetUp: string = `SELECT 1 FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE n.nspname OPERATOR(pg_catalog.=) $1 AND c.relname OPERATOR(pg_catalog.=) 'nereus_migrations'`;

export const messageTypes: string = `SELECT c.number AS category_number, c.kind, c.category, t.number, t.type, t.schema_version
FROM nereus_categories AS c LEFT JOIN nereus_types AS t ON t.category OPERATOR(pg_catalog.=) c.number`;

export const missingRights: string = `WITH lacking (place, object, privilege) AS (
  SELECT 1, format('SCHEMA %I', n.nspname), 'USAGE'
  FROM pg_namespace AS n
  WHERE n.nspname = $1 AND NOT has_schema_privilege(n.oid, 'USAGE')
  UNION ALL
  SELECT 2, format('%s %I.%I', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, c.relname), w.privilege
  FROM unnest($2::text[], $3::text[]) AS w (relation, privilege)
  JOIN pg_class AS c ON c.relname = w.relation
  JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = $1
  WHERE NOT CASE c.relkind
    WHEN 'S' THEN has_sequence_privilege(c.oid, w.privilege)
    ELSE has_table_privilege(c.oid, w.privilege)
  END
  UNION ALL
  SELECT 3, format('FUNCTION %I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), 'EXECUTE'
  FROM pg_proc AS p
  JOIN pg_namespace AS n ON n.oid = p.pronamespace AND n.nspname = $1
  WHERE starts_with(p.proname, 'nereus_') AND NOT has_function_privilege(p.oid, 'EXECUTE')
)
SELECT current_user::text, format('GRANT %s ON %s TO %I;', string_agg(privilege, ', ' ORDER BY privilege), object, current_user)
FROM lacking
GROUP BY place, object
ORDER BY place, object`;

export const nameTaken: string = `SELECT c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = $1`;

export const note: string = `SELECT name, revision, data FROM nereus_notes WHERE name OPERATOR(pg_catalog.=) $1`;

export const notes: string = `SELECT name, revision, data FROM nereus_notes WHERE name OPERATOR(pg_catalog.>=) $1 AND pg_catalog.starts_with(name, $1) ORDER BY name`;

export const outbox: string = `SELECT sequence, id, destination, data FROM nereus_outbox WHERE sequence OPERATOR(pg_catalog.>) $1 ORDER BY sequence LIMIT $2`;

export const outcome: string = `SELECT fingerprint, result, position FROM nereus_outcomes WHERE tenant OPERATOR(pg_catalog.=) $1 AND key OPERATOR(pg_catalog.=) $2`;

export const putCollection: string = `INSERT INTO nereus_collections (name, table_name, layout, unique_keys) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET layout = excluded.layout, unique_keys = excluded.unique_keys`;

export const readLog: string = `SELECT * FROM nereus_read_log($1::bigint, $2::bigint, $3::pg_catalog.text[], $4::pg_catalog.text[], $5::pg_catalog.text[], $6::pg_catalog.text, $7::pg_catalog.text)`;

export const readNear: string = `(
  SELECT m.* FROM nereus_messages AS m
  WHERE m.position OPERATOR(pg_catalog.>) $1::bigint AND m.position OPERATOR(pg_catalog.<=) $2::bigint
    AND m.type OPERATOR(pg_catalog.=) ANY (ARRAY(
      SELECT t.number FROM nereus_categories AS c JOIN nereus_types AS t ON t.category OPERATOR(pg_catalog.=) c.number
      WHERE c.kind OPERATOR(pg_catalog.=) ANY ($4::pg_catalog.text[]) AND ($5::pg_catalog.text[] IS NULL OR c.category OPERATOR(pg_catalog.=) ANY ($5::pg_catalog.text[]))
        AND ($6::pg_catalog.text[] IS NULL OR t.type OPERATOR(pg_catalog.=) ANY ($6::pg_catalog.text[]))
    ))
    AND ($7::pg_catalog.text IS NULL OR m.tenant OPERATOR(pg_catalog.=) $7::pg_catalog.text)
  ORDER BY m.position LIMIT $3::bigint
)
UNION ALL
SELECT coalesce(pg_catalog.max(h.position), 0), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM nereus_messages AS h`;

export const readStream: string = `SELECT * FROM nereus_read_stream($1::pg_catalog.text, $2::pg_catalog.text, $3::pg_catalog.text, $4::pg_catalog.text, $5::bigint, $6::bigint, $7::boolean)`;

export const registerTypes: string = `SELECT nereus_register_types($1::pg_catalog.jsonb)::pg_catalog.text`;

export const replayLong: string = `SELECT m.types, m.checksums, m.payloads, NULL::pg_catalog.text AS first_id, NULL::pg_catalog.text AS last_id
FROM (VALUES (0), (64), (128), (192), (256), (320), (384), (448), (512),
  (576), (640), (704), (768), (832), (896), (960)) AS part (first)
CROSS JOIN LATERAL (
  SELECT pg_catalog.string_agg(s.type::pg_catalog.text, ',') AS types, pg_catalog.string_agg(s.checksum::pg_catalog.text, ',') AS checksums,
    ('[' OPERATOR(pg_catalog.||) pg_catalog.string_agg(s.data, E',\\n') OPERATOR(pg_catalog.||) ']')::varchar AS payloads
  FROM (
    SELECT e.type, e.checksum, e.data FROM nereus_messages AS e
    WHERE e.stream_id OPERATOR(pg_catalog.=) $4::pg_catalog.text AND e.tenant OPERATOR(pg_catalog.=) $3::pg_catalog.text
      AND e.version OPERATOR(pg_catalog.>=) ($5::bigint OPERATOR(pg_catalog.+) part.first)
        AND e.version OPERATOR(pg_catalog.<) least($5::bigint OPERATOR(pg_catalog.+) part.first OPERATOR(pg_catalog.+) 64, $6::bigint)
      AND e.category OPERATOR(pg_catalog.=) (SELECT c.number FROM nereus_categories AS c WHERE c.kind OPERATOR(pg_catalog.=) $1::pg_catalog.text AND c.category OPERATOR(pg_catalog.=) $2::pg_catalog.text)
    ORDER BY e.stream_id, e.category, e.tenant, e.version
  ) AS s
) AS m
WHERE m.types IS NOT NULL
UNION ALL
SELECT NULL, NULL, NULL, (
  SELECT e.id FROM nereus_messages AS e
  WHERE e.stream_id OPERATOR(pg_catalog.=) $4::pg_catalog.text AND e.tenant OPERATOR(pg_catalog.=) $3::pg_catalog.text AND e.version OPERATOR(pg_catalog.=) $5::bigint
    AND e.category OPERATOR(pg_catalog.=) (SELECT c.number FROM nereus_categories AS c WHERE c.kind OPERATOR(pg_catalog.=) $1::pg_catalog.text AND c.category OPERATOR(pg_catalog.=) $2::pg_catalog.text)
), (
  SELECT e.id FROM nereus_messages AS e
  WHERE e.stream_id OPERATOR(pg_catalog.=) $4::pg_catalog.text AND e.tenant OPERATOR(pg_catalog.=) $3::pg_catalog.text AND e.version OPERATOR(pg_catalog.>=) $5::bigint AND e.version OPERATOR(pg_catalog.<) $6::bigint
    AND e.category OPERATOR(pg_catalog.=) (SELECT c.number FROM nereus_categories AS c WHERE c.kind OPERATOR(pg_catalog.=) $1::pg_catalog.text AND c.category OPERATOR(pg_catalog.=) $2::pg_catalog.text)
  ORDER BY e.stream_id DESC, e.category DESC, e.tenant DESC, e.version DESC LIMIT 1
)`;

export const replayStream: string = `SELECT types, checksums, ('[' OPERATOR(pg_catalog.||) pg_catalog.replace(payloads, E'\\x1e', E',\\n') OPERATOR(pg_catalog.||) ']')::varchar, first_id, last_id
FROM nereus_replay($1::pg_catalog.text, $2::pg_catalog.text, $3::pg_catalog.text, $4::pg_catalog.text, $5::bigint, $6::bigint)`;

export const schemaVersion: string = `SELECT coalesce(pg_catalog.max(number), 0)::integer FROM nereus_migrations`;

export const settle: string = `SELECT nereus_settle($1::pg_catalog.uuid, $2::bigint)`;

export const surroundings: string = `SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery()::pg_catalog.text, pg_catalog.current_setting('transaction_read_only'),
  pg_catalog.current_setting('server_version_num')::integer,
  pg_catalog.current_setting('server_encoding'), pg_catalog.current_setting('client_encoding'), pg_catalog.current_setting('standard_conforming_strings')`;

export const timers: string = `SELECT id, at, data FROM nereus_timers
WHERE owner OPERATOR(pg_catalog.=) $1 AND at OPERATOR(pg_catalog.<=) $2 AND (at, id) OPERATOR(pg_catalog.>) ($3::bigint, $4) ORDER BY owner, at, id LIMIT $5`;
