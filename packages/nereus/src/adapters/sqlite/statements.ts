// Written by scripts/embed-sql.mjs from the files in sql/. Do not edit.

/** The steps of the schema, oldest first: the version of a database is how many of them it has had. */
export const migrations: readonly string[] = [
  // 0001_log.sql
  `CREATE TABLE nereus_types (
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

CREATE TABLE nereus_collections (
  name TEXT NOT NULL PRIMARY KEY,
  table_name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  layout TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIEW nereus_log AS
SELECT m.position, m.tenant, t.kind, t.category, m.stream_id, m.version, t.type, t.schema_version, m.data,
  datetime(m.recorded_at / 1000.0, 'unixepoch', 'subsec') AS recorded_at,
  datetime(m.occurred_at / 1000.0, 'unixepoch', 'subsec') AS occurred_at,
  m.id, m.correlation_id, m.causation_id, m.traceparent, m.extensions, m.checksum
FROM nereus_messages AS m JOIN nereus_types AS t ON t.number = m.type;`,
  // 0002_removed.sql
  `CREATE TABLE nereus_removed (
  collection TEXT NOT NULL,
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (collection, tenant, id)
) STRICT, WITHOUT ROWID;`,
  // 0003_timers.sql
  `CREATE TABLE nereus_timers (
  owner TEXT NOT NULL,
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (owner, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX nereus_timers_by_moment ON nereus_timers (owner, at, id);`,
  // 0004_notes.sql
  `CREATE TABLE nereus_notes (
  name TEXT NOT NULL PRIMARY KEY,
  revision INTEGER NOT NULL,
  data TEXT NOT NULL
) STRICT, WITHOUT ROWID;`,
];

export const addMessageType: string = `INSERT INTO nereus_types (number, category_number, kind, category, type, schema_version) VALUES (?, ?, ?, ?, ?, ?)`;

export const addOutcome: string = `INSERT INTO nereus_outcomes (tenant, key, fingerprint, result, position) VALUES (?, ?, ?, ?, ?)`;

export const addToOutbox: string = `INSERT INTO nereus_outbox (id, destination, data) VALUES (?, ?, ?)`;

export const appendMessage: string = `INSERT OR ROLLBACK INTO nereus_messages (
  position, category, type, version, checksum, recorded_at, occurred_at, tenant, stream_id, id,
  correlation_id, causation_id, traceparent, extensions, data
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export const checkpoint: string = `SELECT position FROM nereus_checkpoints WHERE name = ?`;

export const collections: string = `SELECT name, table_name, layout FROM nereus_collections`;

export const head: string = `SELECT max(position) FROM nereus_messages`;

export const lastMessage: string = `SELECT position, id FROM nereus_messages WHERE position = (SELECT max(position) FROM nereus_messages)`;

export const lastPosition: string = `SELECT seq FROM sqlite_sequence WHERE name = 'nereus_messages'`;

export const messageAt: string = `SELECT id FROM nereus_messages WHERE position = ?`;

export const messageById: string = `SELECT category, tenant, stream_id, version, position FROM nereus_messages WHERE id = ?`;

export const messageId: string = `SELECT id FROM nereus_messages WHERE stream_id = ? AND category = ? AND tenant = ? AND version = ?`;

export const messageTypes: string = `SELECT number, category_number, kind, category, type, schema_version
FROM nereus_types WHERE number > ? ORDER BY number`;

export const moveCheckpoint: string = `INSERT INTO nereus_checkpoints (name, position) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET position = excluded.position`;

export const nameTaken: string = `SELECT 1 FROM sqlite_schema WHERE name = ? COLLATE NOCASE`;

export const noteRevision: string = `SELECT revision FROM nereus_notes WHERE name = ?`;

export const note: string = `SELECT name, revision, data FROM nereus_notes WHERE name = ?`;

export const notes: string = `SELECT name, revision, data FROM (SELECT ? AS prefix) CROSS JOIN nereus_notes
WHERE name >= prefix AND substr(CAST(name AS BLOB), 1, length(CAST(prefix AS BLOB))) = CAST(prefix AS BLOB) ORDER BY name`;

export const objectsOnTable: string = `SELECT sql FROM sqlite_schema
WHERE tbl_name = ? COLLATE NOCASE AND type IN ('index', 'trigger') AND sql IS NOT NULL AND name NOT GLOB 'nereus_unique *'
ORDER BY rowid`;

export const outbox: string = `SELECT sequence, id, destination, data FROM nereus_outbox WHERE sequence > ? ORDER BY sequence LIMIT ?`;

export const outcome: string = `SELECT fingerprint, result, position FROM nereus_outcomes WHERE tenant = ? AND key = ?`;

export const putCollection: string = `INSERT INTO nereus_collections (name, table_name, layout) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET layout = excluded.layout`;

export const putNote: string = `INSERT INTO nereus_notes (name, revision, data) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET revision = excluded.revision, data = excluded.data`;

export const readLogCorrelation: string = `SELECT position, version, type, checksum, recorded_at, occurred_at, tenant, stream_id, id,
  correlation_id, causation_id, traceparent, extensions, data
FROM nereus_messages INDEXED BY nereus_messages_by_correlation
WHERE position > ? AND position <= ? AND (? IS NULL OR tenant = ?) AND correlation_id = ?
  AND type IN (SELECT value FROM json_each(?))
ORDER BY position LIMIT ?`;

export const readLogScan: string = `SELECT position, version, type, checksum, recorded_at, occurred_at, tenant, stream_id, id,
  correlation_id, causation_id, traceparent, extensions, data
FROM nereus_messages NOT INDEXED
WHERE position > ? AND position <= ? AND (? IS NULL OR tenant = ?) AND type IN (SELECT value FROM json_each(?))
ORDER BY position LIMIT ?`;

export const readStreamBackwards: string = `SELECT position, version, type, checksum, recorded_at, occurred_at, tenant, stream_id, id,
  correlation_id, causation_id, traceparent, extensions, data
FROM nereus_messages WHERE stream_id = ? AND category = ? AND tenant = ? AND version <= ?
ORDER BY version DESC LIMIT ?`;

export const readStreamForwards: string = `SELECT position, version, type, checksum, recorded_at, occurred_at, tenant, stream_id, id,
  correlation_id, causation_id, traceparent, extensions, data
FROM nereus_messages WHERE stream_id = ? AND category = ? AND tenant = ? AND version >= ?
ORDER BY version ASC LIMIT ?`;

export const replayStream: string = `SELECT version, type, checksum, data
FROM nereus_messages WHERE stream_id = ? AND category = ? AND tenant = ? AND version >= ?
ORDER BY version LIMIT ?`;

export const setTimer: string = `INSERT INTO nereus_timers (owner, id, at, data) VALUES (?, ?, ?, ?)
ON CONFLICT (owner, id) DO UPDATE SET at = excluded.at, data = excluded.data`;

export const streamHead: string = `SELECT version, id FROM nereus_messages WHERE stream_id = ? AND category = ? AND tenant = ? ORDER BY version DESC LIMIT 1`;

export const tableColumns: string = `SELECT name FROM pragma_table_xinfo(?)`;

export const takeTimer: string = `DELETE FROM nereus_timers WHERE owner = ? AND id = ?`;

export const timers: string = `SELECT id, at, data FROM nereus_timers WHERE owner = ? AND at <= ? AND (at, id) > (?, ?) ORDER BY at, id LIMIT ?`;
