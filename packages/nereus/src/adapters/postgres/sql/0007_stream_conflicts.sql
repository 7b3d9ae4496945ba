-- Which commits of a group expect something else of a stream, by the commit's number. `heads` are the streams' versions.
CREATE FUNCTION nereus_stream_conflicts(streams jsonb, expected jsonb, heads integer[], refused jsonb) RETURNS jsonb
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
$function$;
