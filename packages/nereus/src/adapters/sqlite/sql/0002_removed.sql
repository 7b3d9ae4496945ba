-- The versions that removed documents had: one that is made again under an id goes on from there.
CREATE TABLE nereus_removed (
  collection TEXT NOT NULL,
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (collection, tenant, id)
) STRICT, WITHOUT ROWID;
