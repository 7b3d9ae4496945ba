-- Parameters: stream number. The stream's version.
SELECT max(version) FROM nereus_messages WHERE stream = ?
