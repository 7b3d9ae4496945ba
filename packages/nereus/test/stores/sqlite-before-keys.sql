-- A database file as the code before keys of order made it, by dump.
PRAGMA application_id = 1315271269;
PRAGMA user_version = 3;
CREATE TABLE nereus_types (
  number INTEGER PRIMARY KEY,
  category_number INTEGER NOT NULL,
  kind TEXT NOT NULL,
  category TEXT NOT NULL,
  type TEXT NOT NULL,
  schema_version INTEGER NOT NULL,
  UNIQUE (kind, category, type, schema_version)
) STRICT;
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
CREATE TABLE nereus_collections (
  name TEXT NOT NULL PRIMARY KEY,
  table_name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  layout TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "nereus_collections" (name, table_name, layout) VALUES ('passes', 'passes', '{"version":2,"fields":[["until",{"column":"until","type":"text","required":false}],["size",{"column":"size","type":"bigint","required":false}],["kept",{"column":"kept","type":"bigint","required":false,"default":"\"5\""}]],"indexes":["nereus_index passes(\"until\")","nereus_index passes(\"size\", \"until\")","nereus_index passes(\"kept\")"],"unique":[["size"]]}');
CREATE TABLE nereus_removed (
  collection TEXT NOT NULL,
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (collection, tenant, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE nereus_timers (
  owner TEXT NOT NULL,
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (owner, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE "passes" (
  _tenant TEXT NOT NULL,
  _id TEXT NOT NULL,
  _version INTEGER NOT NULL CHECK (typeof(_version) = 'integer'),
  _data TEXT NOT NULL CHECK (typeof(_data) = 'text'),
  "until" TEXT GENERATED ALWAYS AS (CASE typeof(_data ->> '$."until"') WHEN 'text' THEN (_data ->> '$."until"') WHEN 'null' THEN NULL ELSE _data -> '$."until"' END) VIRTUAL,
  "size" NUMERIC GENERATED ALWAYS AS (CASE WHEN typeof(_data ->> '$."size"') <> 'text' THEN (_data ->> '$."size"') WHEN ((_data ->> '$."size"') GLOB '[0-9]*' OR (_data ->> '$."size"') GLOB '-[0-9]*') AND substr((_data ->> '$."size"'), 2) NOT GLOB '*[^0-9]*' THEN CAST((_data ->> '$."size"') AS NUMERIC) ELSE CAST((_data ->> '$."size"') AS BLOB) END) VIRTUAL,
  "kept" NUMERIC GENERATED ALWAYS AS (CASE WHEN typeof((CASE WHEN json_type(_data, '$."kept"') IS NULL THEN '{"kept":"5"}' ELSE _data END) ->> '$."kept"') <> 'text' THEN ((CASE WHEN json_type(_data, '$."kept"') IS NULL THEN '{"kept":"5"}' ELSE _data END) ->> '$."kept"') WHEN (((CASE WHEN json_type(_data, '$."kept"') IS NULL THEN '{"kept":"5"}' ELSE _data END) ->> '$."kept"') GLOB '[0-9]*' OR ((CASE WHEN json_type(_data, '$."kept"') IS NULL THEN '{"kept":"5"}' ELSE _data END) ->> '$."kept"') GLOB '-[0-9]*') AND substr(((CASE WHEN json_type(_data, '$."kept"') IS NULL THEN '{"kept":"5"}' ELSE _data END) ->> '$."kept"'), 2) NOT GLOB '*[^0-9]*' THEN CAST(((CASE WHEN json_type(_data, '$."kept"') IS NULL THEN '{"kept":"5"}' ELSE _data END) ->> '$."kept"') AS NUMERIC) ELSE CAST(((CASE WHEN json_type(_data, '$."kept"') IS NULL THEN '{"kept":"5"}' ELSE _data END) ->> '$."kept"') AS BLOB) END) VIRTUAL,
  PRIMARY KEY (_tenant, _id)
);
INSERT INTO "passes" (_tenant, _id, _version, _data) VALUES ('', '0', 0, '{"until":"2026-03-15T12:00:00.000Z","size":"10"}');
INSERT INTO "passes" (_tenant, _id, _version, _data) VALUES ('', '1', 0, '{"until":"+010000-01-01T00:00:00.000Z","size":"9223372036854775809"}');
INSERT INTO "passes" (_tenant, _id, _version, _data) VALUES ('', '2', 0, '{"until":"-000043-03-15T00:00:00.000Z","size":"-9223372036854775808"}');
INSERT INTO "passes" (_tenant, _id, _version, _data) VALUES ('', '3', 0, '{"until":"-000044-03-15T00:00:00.000Z","size":"-9223372036854775809"}');
INSERT INTO "passes" (_tenant, _id, _version, _data) VALUES ('', '4', 0, '{"until":"+275760-09-13T00:00:00.000Z","size":"9223372036854775808"}');
CREATE UNIQUE INDEX nereus_messages_by_stream ON nereus_messages (stream_id, category, tenant, version);
CREATE UNIQUE INDEX nereus_messages_by_id ON nereus_messages (id);
CREATE INDEX nereus_messages_by_type ON nereus_messages (type);
CREATE INDEX nereus_messages_by_correlation ON nereus_messages (correlation_id);
CREATE INDEX nereus_messages_by_tenant ON nereus_messages (tenant, type) WHERE tenant <> '';
CREATE VIEW nereus_log AS
SELECT m.position, m.tenant, t.kind, t.category, m.stream_id, m.version, t.type, t.schema_version, m.data,
  datetime(m.recorded_at / 1000.0, 'unixepoch', 'subsec') AS recorded_at,
  datetime(m.occurred_at / 1000.0, 'unixepoch', 'subsec') AS occurred_at,
  m.id, m.correlation_id, m.causation_id, m.traceparent, m.extensions, m.checksum
FROM nereus_messages AS m JOIN nereus_types AS t ON t.number = m.type;
CREATE INDEX nereus_timers_by_moment ON nereus_timers (owner, at, id);
CREATE INDEX "nereus_index passes(""until"")" ON "passes" (_tenant, "until", _id);
CREATE INDEX "nereus_index passes(""size"", ""until"")" ON "passes" (_tenant, "size", "until", _id);
CREATE INDEX "nereus_index passes(""kept"")" ON "passes" (_tenant, "kept", _id);
CREATE UNIQUE INDEX "nereus_unique passes(""size"")" ON "passes" (_tenant, (_data ->> '$."size"'));
