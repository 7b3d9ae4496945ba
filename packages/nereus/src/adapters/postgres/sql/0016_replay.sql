-- The messages of one stream from a version on, in one row: how many, their types and checksums as lists of numbers,
-- and their payloads with a record separator (which no JSON has unescaped) between each two.
CREATE FUNCTION nereus_replay(
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
  SELECT count(*), string_agg(m.type::text, ','), string_agg(m.checksum::text, ','), string_agg(m.data, E'\x1e')
  INTO messages, types, checksums, payloads
  FROM (
    SELECT s.type, s.checksum, s.data FROM nereus_messages AS s
    WHERE s.stream_id = of_id AND s.tenant = of_tenant AND s.version >= since
      AND s.category = (SELECT c.number FROM nereus_categories AS c WHERE c.kind = of_kind AND c.category = of_category)
    ORDER BY s.stream_id, s.category, s.tenant, s.version LIMIT page
  ) AS m;
END
$function$;
