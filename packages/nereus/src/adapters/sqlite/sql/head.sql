-- The highest position that can be read.
SELECT max(position) FROM nereus_messages
