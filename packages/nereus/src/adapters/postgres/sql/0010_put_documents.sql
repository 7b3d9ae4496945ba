-- Writes the documents of a group to one table. `passes`: how often a commit writes one document, at
-- most. `removes`: some are removed.
CREATE FUNCTION nereus_put_documents(of_table text, writes jsonb, refused jsonb, passes integer, removes boolean)
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
$function$;
