-- What whoever uses the store knows of it. A revision counts the changes of a note, from 1.
CREATE TABLE nereus_notes (
  name TEXT NOT NULL PRIMARY KEY,
  revision INTEGER NOT NULL,
  data TEXT NOT NULL
) STRICT, WITHOUT ROWID;
