-- Lets one writer at a time write to the schema, until its transaction ends. So positions rise in the order of commits.
CREATE FUNCTION nereus_lock() RETURNS void
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $function$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('nereus ' || current_schema(), 0));
END
$function$;
