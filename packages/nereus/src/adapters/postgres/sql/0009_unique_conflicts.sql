-- Which commits of a group would give a document of one table values that another has. Only a document's last write of
-- its commit counts; what the commit itself writes gives its former values up.
-- Raises NER02 where the verdict on one commit depends on another of the group: they have to come in groups of their own.
CREATE FUNCTION nereus_unique_conflicts(of_table text, keys text[], writes jsonb, refused jsonb) RETURNS jsonb
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
$function$;
