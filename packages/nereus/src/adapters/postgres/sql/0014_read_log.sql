-- One page of the log, and after it a row that has no version: the highest position that the page speaks for, if it is
-- not full. Null stands for everything.
CREATE FUNCTION nereus_read_log(
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
$function$;
