-- What a batch was answered whose answer was lost; null if it was not written, and then it never will be.
CREATE FUNCTION nereus_settle(writer uuid, batch bigint) RETURNS text
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $function$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('nereus ' || current_schema(), 0));
  INSERT INTO nereus_batches (writer, number) VALUES (writer, batch) ON CONFLICT DO NOTHING;
  RETURN (SELECT b.answer FROM nereus_batches AS b WHERE b.writer = nereus_settle.writer AND b.number = batch);
END
$function$;
