-- The log, the store's own books, and the list of document collections, in the schema that is first in the search path.
-- Every name here starts with nereus_, so that collections can have any other. Texts hold what stored-text.ts makes of
-- them, and go by code point.

-- How many migrations the schema has had.
CREATE TABLE nereus_migrations (
  number integer NOT NULL PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE nereus_categories (
  number integer NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text COLLATE "C" NOT NULL,
  category text COLLATE "C" NOT NULL,
  UNIQUE (kind, category)
);

-- What a message is: written once, so that a message and its index entries hold small numbers.
CREATE TABLE nereus_types (
  number integer NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  category integer NOT NULL REFERENCES nereus_categories,
  type text COLLATE "C" NOT NULL,
  schema_version integer NOT NULL,
  UNIQUE (category, type, schema_version)
);

-- Times are milliseconds since 1970.
CREATE TABLE nereus_messages (
  position bigint NOT NULL PRIMARY KEY,
  recorded_at bigint NOT NULL,
  occurred_at bigint NOT NULL,
  checksum bigint NOT NULL,
  category integer NOT NULL,
  type integer NOT NULL,
  version integer NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  stream_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  correlation_id text COLLATE "C" NOT NULL,
  causation_id text COLLATE "C",
  traceparent text COLLATE "C",
  extensions text COLLATE "C",
  data text COLLATE "C" NOT NULL
);

CREATE UNIQUE INDEX nereus_messages_by_stream ON nereus_messages (stream_id, category, tenant, version);
CREATE UNIQUE INDEX nereus_messages_by_id ON nereus_messages (id);
CREATE INDEX nereus_messages_by_type ON nereus_messages (type, position);
CREATE INDEX nereus_messages_by_correlation ON nereus_messages (correlation_id, position);
CREATE INDEX nereus_messages_by_tenant ON nereus_messages (tenant, type, position) WHERE tenant <> '';

-- The last position ever given, also if its message is gone: no position is given twice.
CREATE SEQUENCE nereus_position;

CREATE TABLE nereus_checkpoints (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  position bigint NOT NULL
);

CREATE TABLE nereus_outcomes (
  tenant text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  fingerprint text COLLATE "C" NOT NULL,
  result text COLLATE "C",
  position bigint NOT NULL,
  PRIMARY KEY (tenant, key)
);

CREATE TABLE nereus_outbox (
  sequence bigint NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL,
  destination text COLLATE "C" NOT NULL,
  data text COLLATE "C" NOT NULL
);

-- The last batch of each writer with what it was answered, so that a writer that lost its connection can ask. A batch
-- without an answer is one that was given up, and must not be written any more.
CREATE TABLE nereus_batches (
  writer uuid NOT NULL,
  number bigint NOT NULL,
  answer text COLLATE "C",
  written_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (writer, number)
);

-- layout is JSON for the library; unique_keys are SQL expressions of _data, one for each list of unique fields.
CREATE TABLE nereus_collections (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  table_name text COLLATE "C" NOT NULL UNIQUE,
  layout text COLLATE "C" NOT NULL,
  unique_keys text[] COLLATE "C" NOT NULL
);

-- The versions from which documents go on that are made again under the id of a removed one.
CREATE TABLE nereus_removed (
  table_name text COLLATE "C" NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  PRIMARY KEY (table_name, tenant, id)
);

CREATE VIEW nereus_log AS
SELECT m.position, m.tenant, c.kind, c.category, m.stream_id, m.version, t.type, t.schema_version, m.data,
  to_timestamp(m.recorded_at / 1000.0) AS recorded_at,
  to_timestamp(m.occurred_at / 1000.0) AS occurred_at,
  m.id, m.correlation_id, m.causation_id, m.traceparent, m.extensions, m.checksum
FROM nereus_messages AS m
JOIN nereus_types AS t ON t.number = m.type
JOIN nereus_categories AS c ON c.number = t.category;
