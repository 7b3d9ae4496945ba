-- Numbers of categories and types follow from their names, so that two histories of one log give a name the same number:
-- a process that remembers one still means the same after a standby without the last commits was promoted, or a backup
-- restored. Those that were given out before keep theirs.
ALTER TABLE nereus_categories ALTER COLUMN number DROP IDENTITY;
ALTER TABLE nereus_types ALTER COLUMN number DROP IDENTITY;

-- From 1 on. `attempt` counts the numbers that another name has already.
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

-- Whether rows with these types can be read. One at a time, so that the plan is made once, and with the schema's name in
-- it, since a function with settings of its own takes longer.
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

-- Writes the one message of a commit that has nothing else, as nereus_commit does, if its stream has the expected version
-- (-1: none), there the known message (null: any), and the note, if one is named, its revision, and if its type is registered; else it writes nothing and answers null, and nereus_commit says why.
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
$function$;
