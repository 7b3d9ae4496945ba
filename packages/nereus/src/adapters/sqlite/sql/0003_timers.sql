-- What is to be done at a moment: at is in milliseconds since 1970.
CREATE TABLE nereus_timers (
  owner TEXT NOT NULL,
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (owner, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX nereus_timers_by_moment ON nereus_timers (owner, at, id);
