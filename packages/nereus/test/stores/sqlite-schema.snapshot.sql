-- user_version: 4
-- application_id: 1315271269
-- journal_mode: wal

CREATE TABLE nereus_checkpoints (
  name TEXT NOT NULL PRIMARY KEY,
  position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE nereus_collections (
  name TEXT NOT NULL PRIMARY KEY,
  table_name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  layout TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX "nereus_index people(""active"", ""age"")" ON "people" (_tenant, "active", "age", _id);

CREATE INDEX "nereus_index people(""balance"" by value, ""born"" by value)" ON "people" (_tenant, CASE WHEN "balance" IS NULL THEN NULL WHEN NOT (length("balance") <= 16000 AND "balance" NOT GLOB '--*' AND ltrim("balance", '-') GLOB '[0-9]*' AND (ltrim(ltrim("balance", '-'), '0123456789') = '' OR (ltrim(ltrim("balance", '-'), '0123456789') GLOB '.[0-9]*' AND ltrim(substr(ltrim(ltrim("balance", '-'), '0123456789'), 2), '0123456789') = ''))) THEN '3' || "balance" WHEN "balance" GLOB '-*[1-9]*' THEN '1' || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(printf('%05d', instr(ltrim("balance", '-0') || '.', '.') - 1) || replace(CASE instr(ltrim("balance", '-0'), '.') WHEN 0 THEN ltrim("balance", '-0') ELSE rtrim(ltrim("balance", '-0'), '0') END, '.', ''), '0', 'j'), '1', 'i'), '2', 'h'), '3', 'g'), '4', 'f'), '5', 'e'), '6', 'd'), '7', 'c'), '8', 'b'), '9', 'a') || 'z' ELSE '2' || printf('%05d', instr(ltrim("balance", '-0') || '.', '.') - 1) || replace(CASE instr(ltrim("balance", '-0'), '.') WHEN 0 THEN ltrim("balance", '-0') ELSE rtrim(ltrim("balance", '-0'), '0') END, '.', '') END, CASE WHEN "born" GLOB '+[0-9][0-9][0-9][0-9][0-9][0-9]-*' THEN ':' || substr("born", 2) WHEN "born" GLOB '-[0-9][0-9][0-9][0-9][0-9][0-9]-*' THEN '-' || printf('%06d', 999999 - CAST(substr("born", 2, 6) AS INTEGER)) || substr("born", 8) ELSE "born" END, _id);

CREATE INDEX "nereus_index people(""born"" by value)" ON "people" (_tenant, CASE WHEN "born" GLOB '+[0-9][0-9][0-9][0-9][0-9][0-9]-*' THEN ':' || substr("born", 2) WHEN "born" GLOB '-[0-9][0-9][0-9][0-9][0-9][0-9]-*' THEN '-' || printf('%06d', 999999 - CAST(substr("born", 2, 6) AS INTEGER)) || substr("born", 8) ELSE "born" END, _id);

CREATE INDEX "nereus_index people(""name"")" ON "people" (_tenant, "name", _id);

CREATE INDEX "nereus_index people(""savings"" by value)" ON "people" (_tenant, CASE WHEN (CASE typeof(_data ->> '$."savings"') WHEN 'text' THEN (_data ->> '$."savings"') WHEN 'null' THEN NULL ELSE _data -> '$."savings"' END) IS NULL THEN NULL WHEN NOT (length((CASE typeof(_data ->> '$."savings"') WHEN 'text' THEN (_data ->> '$."savings"') WHEN 'null' THEN NULL ELSE _data -> '$."savings"' END)) <= 16000 AND (CASE typeof(_data ->> '$."savings"') WHEN 'text' THEN (_data ->> '$."savings"') WHEN 'null' THEN NULL ELSE _data -> '$."savings"' END) NOT GLOB '--*' AND ltrim((CASE typeof(_data ->> '$."savings"') WHEN 'text' THEN (_data ->> '$."savings"') WHEN 'null' THEN NULL ELSE _data -> '$."savings"' END), '-') GLOB '[0-9]*' AND (ltrim(ltrim((CASE typeof(_data ->> '$."savings"') WHEN 'text' THEN (_data ->> '$."savings"') WHEN 'null' THEN NULL ELSE _data -> '$."savings"' END), '-'), '0123456789') = '' OR (ltrim(ltrim((CASE typeof(_data ->> '$."savings"') WHEN 'text' THEN (_data ->> '$."savings"') WHEN 'null' THEN NULL ELSE _data -> '$."savings"' END), '-'), '0123456789') GLOB '.[0-9]*' AND ltrim(substr(ltrim(ltrim((CASE typeof(_data ->> '$."savings"') WHEN 'text' THEN (_data ->> '$."savings"') WHEN 'null' THEN NULL ELSE _data -> '$."savings"' END), '-'), '0123456789'), 2), '0123456789') = ''))) THEN '3' || (CASE typeof(_data ->> '$."savings"') WHEN 'text' THEN (_data ->> '$."savings"') WHEN 'null' THEN NULL ELSE _data -> '$."savings"' END) WHEN (CASE typeof(_data ->> '$."savings"') WHEN 'text' THEN (_data ->> '$."savings"') WHEN 'null' THEN NULL ELSE _data -> '$."savings"' END) GLOB '-*[1-9]*' THEN '1' || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(printf('%05d', instr(ltrim((CASE typeof(_data ->> '$."savings"') WHEN 'text' THEN (_data ->> '$."savings"') WHEN 'null' THEN NULL ELSE _data -> '$."savings"' END), '-0') || '.', '.') - 1) || replace(CASE instr(ltrim((CASE typeof(_data ->> '$."savings"') WHEN 'text' THEN (_data ->> '$."savings"') WHEN 'null' THEN NULL ELSE _data -> '$."savings"' END), '-0'), '.') WHEN 0 THEN ltrim((CASE typeof(_data ->> '$."savings"') WHEN 'text' THEN (_data ->> '$."savings"') WHEN 'null' THEN NULL ELSE _data -> '$."savings"' END), '-0') ELSE rtrim(ltrim((CASE typeof(_data ->> '$."savings"') WHEN 'text' THEN (_data ->> '$."savings"') WHEN 'null' THEN NULL ELSE _data -> '$."savings"' END), '-0'), '0') END, '.', ''), '0', 'j'), '1', 'i'), '2', 'h'), '3', 'g'), '4', 'f'), '5', 'e'), '6', 'd'), '7', 'c'), '8', 'b'), '9', 'a') || 'z' ELSE '2' || printf('%05d', instr(ltrim((CASE typeof(_data ->> '$."savings"') WHEN 'text' THEN (_data ->> '$."savings"') WHEN 'null' THEN NULL ELSE _data -> '$."savings"' END), '-0') || '.', '.') - 1) || replace(CASE instr(ltrim((CASE typeof(_data ->> '$."savings"') WHEN 'text' THEN (_data ->> '$."savings"') WHEN 'null' THEN NULL ELSE _data -> '$."savings"' END), '-0'), '.') WHEN 0 THEN ltrim((CASE typeof(_data ->> '$."savings"') WHEN 'text' THEN (_data ->> '$."savings"') WHEN 'null' THEN NULL ELSE _data -> '$."savings"' END), '-0') ELSE rtrim(ltrim((CASE typeof(_data ->> '$."savings"') WHEN 'text' THEN (_data ->> '$."savings"') WHEN 'null' THEN NULL ELSE _data -> '$."savings"' END), '-0'), '0') END, '.', '') END, _id);

CREATE VIEW nereus_log AS
SELECT m.position, m.tenant, t.kind, t.category, m.stream_id, m.version, t.type, t.schema_version, m.data,
  datetime(m.recorded_at / 1000.0, 'unixepoch', 'subsec') AS recorded_at,
  datetime(m.occurred_at / 1000.0, 'unixepoch', 'subsec') AS occurred_at,
  m.id, m.correlation_id, m.causation_id, m.traceparent, m.extensions, m.checksum
FROM nereus_messages AS m JOIN nereus_types AS t ON t.number = m.type;

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

CREATE INDEX nereus_messages_by_correlation ON nereus_messages (correlation_id);

CREATE UNIQUE INDEX nereus_messages_by_id ON nereus_messages (id);

CREATE UNIQUE INDEX nereus_messages_by_stream ON nereus_messages (stream_id, category, tenant, version);

CREATE INDEX nereus_messages_by_tenant ON nereus_messages (tenant, type) WHERE tenant <> '';

CREATE INDEX nereus_messages_by_type ON nereus_messages (type);

CREATE TABLE nereus_notes (
  name TEXT NOT NULL PRIMARY KEY,
  revision INTEGER NOT NULL,
  data TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE nereus_outbox (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  destination TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;

CREATE TABLE nereus_outcomes (
  tenant TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  result TEXT,
  position INTEGER NOT NULL,
  PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;

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

CREATE INDEX nereus_timers_by_moment ON nereus_timers (owner, at, id);

CREATE TABLE nereus_types (
  number INTEGER PRIMARY KEY,
  category_number INTEGER NOT NULL,
  kind TEXT NOT NULL,
  category TEXT NOT NULL,
  type TEXT NOT NULL,
  schema_version INTEGER NOT NULL,
  UNIQUE (kind, category, type, schema_version)
) STRICT;

CREATE TABLE "people" (
  _tenant TEXT NOT NULL,
  _id TEXT NOT NULL,
  _version INTEGER NOT NULL CHECK (typeof(_version) = 'integer'),
  _data TEXT NOT NULL CHECK (typeof(_data) = 'text'),
  "name" TEXT GENERATED ALWAYS AS (CASE typeof(_data ->> '$."name"') WHEN 'text' THEN (_data ->> '$."name"') WHEN 'null' THEN NULL ELSE _data -> '$."name"' END) VIRTUAL,
  "age" INTEGER GENERATED ALWAYS AS (CASE typeof(_data ->> '$."age"') WHEN 'text' THEN CAST((_data ->> '$."age"') AS BLOB) ELSE (_data ->> '$."age"') END) VIRTUAL,
  "height" REAL GENERATED ALWAYS AS (CASE typeof(_data ->> '$."height"') WHEN 'text' THEN CAST((_data ->> '$."height"') AS BLOB) ELSE (_data ->> '$."height"') END) VIRTUAL,
  "active" INTEGER GENERATED ALWAYS AS (CASE typeof(_data ->> '$."active"') WHEN 'text' THEN CAST((_data ->> '$."active"') AS BLOB) ELSE (_data ->> '$."active"') END) VIRTUAL,
  "savings" NUMERIC GENERATED ALWAYS AS (CASE WHEN typeof(_data ->> '$."savings"') <> 'text' THEN (_data ->> '$."savings"') WHEN ((_data ->> '$."savings"') GLOB '[0-9]*' OR (_data ->> '$."savings"') GLOB '-[0-9]*') AND substr((_data ->> '$."savings"'), 2) NOT GLOB '*[^0-9]*' THEN CAST((_data ->> '$."savings"') AS NUMERIC) ELSE CAST((_data ->> '$."savings"') AS BLOB) END) VIRTUAL,
  "balance" TEXT GENERATED ALWAYS AS (CASE typeof(_data ->> '$."balance"') WHEN 'text' THEN (_data ->> '$."balance"') WHEN 'null' THEN NULL ELSE _data -> '$."balance"' END) VIRTUAL,
  "born" TEXT GENERATED ALWAYS AS (CASE typeof(_data ->> '$."born"') WHEN 'text' THEN (_data ->> '$."born"') WHEN 'null' THEN NULL ELSE _data -> '$."born"' END) VIRTUAL,
  "extra" GENERATED ALWAYS AS ((_data ->> '$."extra"')) VIRTUAL,
  PRIMARY KEY (_tenant, _id)
);

CREATE TABLE sqlite_sequence(name,seq);
