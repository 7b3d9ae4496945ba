-- The log, the store's own books, and the list of document collections.
-- Every name here starts with nereus_, so that collections can have any other.

-- What a message is: written once, so that a message and its index entries hold small numbers.
-- category_number is the number of the first type of that kind and category.
CREATE TABLE nereus_types (
  number INTEGER PRIMARY KEY,
  category_number INTEGER NOT NULL,
  kind TEXT NOT NULL,
  category TEXT NOT NULL,
  type TEXT NOT NULL,
  schema_version INTEGER NOT NULL,
  UNIQUE (kind, category, type, schema_version)
) STRICT;

-- The payload stands last, so that reading another column never walks through it.
CREATE TABLE nereus_messages (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  category INTEGER NOT NULL,
  type INTEGER NOT NULL,
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  occurred_at INTEGER NOT NULL,
  tenant TEXT NOT NULL,
  stream_id TEXT NOT NULL,
  id TEXT NOT NULL,
  correlation_id TEXT NOT NULL,
  causation_id TEXT,
  traceparent TEXT,
  extensions TEXT,
  data TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX nereus_messages_by_stream ON nereus_messages (stream_id, category, tenant, version);
CREATE UNIQUE INDEX nereus_messages_by_id ON nereus_messages (id);
CREATE INDEX nereus_messages_by_type ON nereus_messages (type);
CREATE INDEX nereus_messages_by_correlation ON nereus_messages (correlation_id);
CREATE INDEX nereus_messages_by_tenant ON nereus_messages (tenant, type) WHERE tenant <> '';

CREATE TABLE nereus_checkpoints (
  name TEXT NOT NULL PRIMARY KEY,
  position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE nereus_outcomes (
  tenant TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  result TEXT,
  position INTEGER NOT NULL,
  PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE nereus_outbox (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  destination TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;

-- Which table holds a collection, and (as JSON) which column each field has, and its indexes.
CREATE TABLE nereus_collections (
  name TEXT NOT NULL PRIMARY KEY,
  table_name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  layout TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The log for people: SELECT * FROM nereus_log WHERE category = 'accounts'.
CREATE VIEW nereus_log AS
SELECT m.position, m.tenant, t.kind, t.category, m.stream_id, m.version, t.type, t.schema_version, m.data,
  datetime(m.recorded_at / 1000.0, 'unixepoch', 'subsec') AS recorded_at,
  datetime(m.occurred_at / 1000.0, 'unixepoch', 'subsec') AS occurred_at,
  m.id, m.correlation_id, m.causation_id, m.traceparent, m.extensions, m.checksum
FROM nereus_messages AS m JOIN nereus_types AS t ON t.number = m.type;
