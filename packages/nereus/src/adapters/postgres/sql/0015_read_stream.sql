-- One page of a stream, forwards or backwards from a version.
CREATE FUNCTION nereus_read_stream(
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
$function$;
