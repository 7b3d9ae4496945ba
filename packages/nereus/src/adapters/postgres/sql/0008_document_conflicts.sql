-- Which commits of a group expect another version of a document of one table.
CREATE FUNCTION nereus_document_conflicts(of_table text, writes jsonb, refused jsonb) RETURNS jsonb
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
$function$;
