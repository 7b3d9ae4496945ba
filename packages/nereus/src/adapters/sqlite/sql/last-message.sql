SELECT position, id FROM nereus_messages ORDER BY position DESC LIMIT 1
