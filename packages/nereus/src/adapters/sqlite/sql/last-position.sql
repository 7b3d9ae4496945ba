-- The highest position ever given, also if its message is gone: no position is given twice.
SELECT seq FROM sqlite_sequence WHERE name = 'nereus_messages'
