-- Parameter: a position
SELECT id FROM nereus_messages WHERE position = ?
