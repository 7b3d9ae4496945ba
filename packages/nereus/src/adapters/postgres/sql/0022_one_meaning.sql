-- Every function finds the names of PostgreSQL, then those of this schema, and what a session has made for itself last:
-- a temporary table of a name that the store uses takes nothing that is meant for the store. setUp has the path so.
DO $do$
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

-- The tables of collections go by their schema too: a collection may have the name of a table of PostgreSQL's own.
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
$function$;
