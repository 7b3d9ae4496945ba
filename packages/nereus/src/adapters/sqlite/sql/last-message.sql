SELECT position, id FROM nereus_messages WHERE position = (SELECT max(position) FROM nereus_messages)
