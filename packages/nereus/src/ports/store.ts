import type { MessageKind, NewMessage, ReplayMessage, StoredMessage, StreamId } from "../log/message.ts";

/**
 * What a store can promise beyond the contract of {@link Store}.
 * `transactional`: everything in one {@link Commit} becomes visible at once or not at all.
 * `durable`: what was acknowledged is there after a crash of the process or the machine.
 */
export type Capability = "transactional" | "durable";

/**
 * A promise of `transactional` that a store without it may keep in a weaker form, where its user says so.
 * `state-with-events`: documents, and messages that expect nothing of their streams, commit together. Weaker: the messages follow the
 * documents; after a crash between, at the next start.
 * `events-with-documents`: messages that expect a version of their stream, and documents, commit together. Weaker: the documents follow
 * the messages; after a crash between, or where another process changed them at that moment, they lack what the messages say.
 */
export type WeakerPromise = "state-with-events" | "events-with-documents";

/** The version a stream must be at: an exact one (`-1` is `"none"`), or a condition. `"any"` never conflicts. */
export type ExpectedVersion = number | "any" | "none" | "exists";

/**
 * Messages for one stream. A stream may occur again later in the same commit (to keep the global order of messages
 * that alternate between streams): the later entry then says `"any"`, since the first one was checked.
 */
export interface Append {
  readonly stream: StreamId;
  readonly expectedVersion: ExpectedVersion;
  /**
   * Beside an exact version, where its writer knows it: the id of the message with that version. A log may go back to what it was (a backup is
   * restored, a standby takes over that lacks the last commits); a stream that has come to the same version again is then another one.
   */
  readonly expectedId?: string | undefined;
  readonly messages: readonly NewMessage[];
}

/** A write of one document (a state-stored aggregate, or a row of a projection). `data: null` removes it. */
export interface DocumentWrite {
  readonly collection: string;
  readonly tenant: string;
  readonly id: string;
  /** The version the stored document must have: `"none"` inserts, a number replaces, `"any"` does either. */
  readonly expectedVersion: ExpectedVersion;
  /** JSON text, or null to remove. */
  readonly data: string | null;
}

/** A message for a broker, kept with the commit that caused it until a relay has delivered it. */
export interface OutboxEntry {
  readonly id: string;
  readonly destination: string;
  /** JSON text. */
  readonly data: string;
}

/**
 * Something that is to be done at a moment, kept from the commit that sets it to the one that takes it back. One that is set again has the new
 * moment and data.
 */
export interface Timer {
  /** Tells the timers of an owner apart. Not empty. */
  readonly id: string;
  /** Milliseconds since 1970, whole. */
  readonly at: number;
  /** JSON text. */
  readonly data: string;
}

/** `owner`: whose it is; who sets timers reads its own only. `at: null` takes one back, if it is there. */
export type TimerWrite = { readonly owner: string } & (Timer | { readonly id: string; readonly at: null });

/**
 * Something that whoever uses the store knows of it, and changes seldom: whose it is, what shape its events have, what a commit must know to be
 * complete. A note stays where it is once it is made; a `revision` counts its changes from 1.
 */
export interface Note {
  /** Not empty. */
  readonly name: string;
  readonly revision: number;
  /** JSON text. */
  readonly data: string;
}

/** What a commit expects of a note. With `data` the note has that from then on, and a revision more; without, it only must not have changed. */
export interface NoteWrite {
  readonly name: string;
  /** The revision that it must be at; 0: it must not be there. */
  readonly expected: number;
  /** JSON text. */
  readonly data?: string;
}

/** How far a subscription has come: moved only from the position that its owner knows. */
export interface CheckpointMove {
  readonly name: string;
  /** Where the owner believes it is; 0 where there is none yet. */
  readonly expected: number;
  readonly position: number;
}

/** The remembered outcome of a command that carried an idempotency key. */
export interface IdempotencyRecord {
  readonly tenant: string;
  readonly key: string;
  /** Binds the key to command type and payload. */
  readonly fingerprint: string;
  /** The command's result as JSON text; null where it returned nothing. */
  readonly result: string | null;
  /** The last position that the command wrote. */
  readonly position: number;
}

/**
 * All that one command, or one batch of a subscription, writes. Whatever it expects of streams, documents and its
 * checkpoint is held against the store as it was before the commit.
 */
export interface Commit {
  readonly appends?: readonly Append[];
  readonly documents?: readonly DocumentWrite[];
  readonly outbox?: readonly OutboxEntry[];
  /** Of several writes of one timer the last counts. */
  readonly timers?: readonly TimerWrite[];
  readonly checkpoint?: CheckpointMove;
  /** Of several of one note each must hold, and the last `data` counts. Commits that only expect something of a note do not hinder each other. */
  readonly notes?: readonly NoteWrite[];
  /** Its `position` is filled in by the store. */
  readonly idempotency?: Omit<IdempotencyRecord, "position">;
}

/** Why a commit was refused, with what the caller had not seen of a stream, a document or a note: so a retry needs no read. */
export type Conflict =
  | {
      readonly on: "stream";
      readonly stream: StreamId;
      readonly expected: ExpectedVersion;
      /** The version the stream is at; -1 if it does not exist. */
      readonly actual: number;
      /** The messages after `expected`, in order (all of them for `"none"`; none for `"exists"`, and of a stream that has diverged). */
      readonly unseen: readonly StoredMessage[];
      /**
       * Set where the message with the expected version is not the one that its writer knows: what the writer has read is not in the log any more.
       * So it is, without saying, of a stream that is shorter than expected.
       */
      readonly diverged?: true;
    }
  | {
      readonly on: "document";
      readonly collection: string;
      readonly id: string;
      readonly expected: ExpectedVersion;
      /** The document as it is now, if there is one. */
      readonly current: StoredDocument | undefined;
    }
  | {
      /** Another document of the tenant has these values, which only one may have. */
      readonly on: "unique";
      readonly collection: string;
      /** The document that was to be written. */
      readonly id: string;
      readonly fields: readonly string[];
      /** The document that has them already. */
      readonly holder: string;
    }
  | { readonly on: "checkpoint"; readonly name: string; readonly actual: number }
  | {
      readonly on: "note";
      readonly name: string;
      readonly expected: number;
      /** The revision that the note is at; 0 if it is not there. */
      readonly actual: number;
      /** The note as it is now, if there is one. */
      readonly current: Note | undefined;
    };

/**
 * The store's answer to a {@link Commit}. A taken idempotency key is found before anything else, then a repeated commit,
 * then conflicts: of streams, documents, the checkpoint and notes, then of unique values. Faults of the machine (locked, full, corrupt) are thrown.
 */
export type CommitOutcome =
  /** `position`: that of the last message written (the log's head if none was; for a repeated commit, the first answer). */
  | { readonly status: "committed"; readonly position: number }
  | { readonly status: "conflict"; readonly conflict: Conflict }
  /** The idempotency key is already taken; nothing was written. */
  | { readonly status: "duplicate"; readonly record: IdempotencyRecord };

export interface StreamRange {
  /** First version wanted, inclusive. Default: 0 forwards, the last one backwards. */
  readonly from?: number;
  readonly direction?: "forwards" | "backwards";
  /** The most messages that one page may hold. Read on from the last one's version. */
  readonly limit: number;
}

export interface LogFilter {
  /** Only positions greater than this. */
  readonly after: number;
  /** The most messages that one page may hold. */
  readonly limit: number;
  /** Default: `["event"]`. */
  readonly kinds?: readonly MessageKind[];
  readonly categories?: readonly string[];
  readonly types?: readonly string[];
  readonly tenant?: string;
  readonly correlationId?: string;
}

export interface LogPage {
  readonly messages: readonly StoredMessage[];
  /** Everything that matches up to this position is in the page, so a reader may go on from here. */
  readonly through: number;
}

/**
 * Reads of the log. Each returns one page, so that no stream is ever held in memory whole; there is no hidden
 * limit. A reader that follows `through` never sees a position and then later a lower one.
 */
export interface LogReader {
  readStream(stream: StreamId, range: StreamRange): Promise<readonly StoredMessage[]>;
  readLog(filter: LogFilter): Promise<LogPage>;
  /** The messages of one stream from a version on, as short rows; the first and the last have their ids. Shorter than `limit`: the stream ends there. */
  replay(stream: StreamId, from: number, limit: number): Promise<readonly ReplayMessage[]>;
  /** The highest position that readers may see; 0 in an empty log. */
  head(): Promise<number>;
  /**
   * The same, once readers may see all that is committed when it is called. Absent where they always may.
   *
   * @throws NereusError STORE_LOCKED which names who holds them up
   */
  completeHead?(): Promise<number>;
  /**
   * The highest position that was given out: none that comes later is lower. Only where readers may have to wait for messages that are
   * committed, as on Message DB; absent where that is never so, and `head` says it.
   */
  given?(): Promise<number>;
}

export interface StoredDocument {
  readonly id: string;
  /**
   * From 0, one more with every write. One that is made again under the id of a removed document goes on from where that was, so that no
   * version stands for two contents; only a removal that expects `"any"` is forgotten.
   */
  readonly version: number;
  readonly data: string;
}

/** A JSON scalar as it stands in the stored document. */
export type StoredScalar = string | number | boolean | null;

/** The type of a value inside a field that holds an object, and the keys that lead to it; an array has no keys. */
export interface Inner {
  readonly path: readonly string[];
  readonly type: FieldType;
}

/**
 * Characters that count as others while a text is compared: each of `from` in the stored text as the one of `to` at the same
 * place. Both have the same number of code points, those of `from` are different, none is NUL or half of a surrogate pair,
 * and the condition's own value is written with those of `to` already. So "ada" with `{ from: "AD", to: "ad" }` finds "Ada".
 */
export interface Folding {
  readonly from: string;
  readonly to: string;
}

/**
 * One condition on a field, or on what is `within` it. `eq` and `ne` treat null as a value; the others never match null.
 * What is within null, or absent, is null.
 *
 * All values of a field stand in one order: null (also for an absent field), then numbers, with booleans as 0 and 1, then
 * texts by code point (the order of their UTF-8 bytes), with an object or array as its JSON text. In a field of text, bigint,
 * decimal or date whatever is not text counts as its JSON text. In one of bigint or decimal, digits (`-?[0-9]+(\.[0-9]+)?`, up to
 * 16,000 characters) stand by their number, however many there are: `9` before `10`, `1.5` equal to `1.50`; then all else as
 * texts. In one of date, a year with a sign and six digits stands where it belongs: before 0000, or after 9999.
 */
export type Condition = { readonly field: string; readonly within?: Inner } & (
  | {
      readonly op: "eq" | "ne";
      readonly value: StoredScalar;
      /** Only on fields of text. */
      readonly fold?: Folding;
    }
  | { readonly op: "lt" | "lte" | "gt" | "gte"; readonly value: StoredScalar }
  | {
      readonly op: "in";
      readonly value: readonly StoredScalar[];
      /** Only on fields of text. */
      readonly fold?: Folding;
    }
  /** A part of a text, or its start, by code point. Nothing that counts as a number has either. */
  | { readonly op: "contains" | "startsWith"; readonly value: string; readonly fold?: Folding }
  /** Where there is a list, of which one item is this very value of JSON: `1` is neither `"1"` nor `true`. */
  | { readonly op: "has"; readonly value: string | number | boolean }
);

/**
 * Conditions and what is made of them. Each is true or false, never unknown: `not` turns one into the other. At most 256 levels
 * and 10,000 parts; beyond, `OPTION_INVALID`.
 */
export type Filter =
  | Condition
  | { readonly op: "and" | "or"; readonly of: readonly Filter[] }
  | { readonly op: "not"; readonly of: Filter };

export interface DocumentQuery {
  /** All must hold. */
  readonly where?: readonly Filter[];
  /** Ties are broken by id, ascending. Without it: by id. Null comes first ascending, last descending. */
  readonly orderBy?: readonly { readonly field: string; readonly within?: Inner; readonly direction: "asc" | "desc" }[];
  /** Absent: all. */
  readonly limit?: number;
  readonly offset?: number;
}

/** Reads of documents, as of the last commit. */
export interface DocumentReader {
  /** Those that exist, by id. */
  get(collection: string, tenant: string, ids: readonly string[]): Promise<ReadonlyMap<string, StoredDocument>>;
  find(collection: string, tenant: string, query: DocumentQuery): Promise<readonly StoredDocument[]>;
  count(collection: string, tenant: string, where: readonly Filter[]): Promise<number>;
}

/** Which timers are read, and up to how many: those after one, in their order, that are due by a moment. */
export interface TimerRange {
  readonly after?: Pick<Timer, "at" | "id">;
  /** Inclusive. */
  readonly until: number;
  /** Read on after the last one. */
  readonly limit: number;
}

/** Reads of the store's own books. */
export interface RecordReader {
  /** Where a subscription stands; 0 if it has none. */
  checkpoint(name: string): Promise<number>;
  idempotency(tenant: string, key: string): Promise<IdempotencyRecord | undefined>;
  /** Entries in the order in which they were committed, after a sequence number. */
  outbox(after: number, limit: number): Promise<readonly (OutboxEntry & { readonly sequence: number })[]>;
  /** The timers of an owner, the soonest first; of those at one moment, by id in the order of code points. */
  timers(owner: string, range: TimerRange): Promise<readonly Timer[]>;
  note(name: string): Promise<Note | undefined>;
  /** Those whose name begins so, by name in the order of code points. */
  notes(prefix: string): Promise<readonly Note[]>;
}

/**
 * The type that a field has in stored JSON; it decides how a database compares it. A `bigint` and a `decimal` are digits in a
 * JSON string, the latter with a fraction or not, and are compared as numbers, exactly. A `date` is a moment as JavaScript's
 * `toISOString` writes it.
 */
export type FieldType = "text" | "integer" | "real" | "boolean" | "bigint" | "decimal" | "date" | "json";

/** A top-level field of the documents of a collection. */
export interface FieldShape {
  readonly name: string;
  readonly type: FieldType;
  /** A document without it cannot be read; null counts as there. */
  readonly required: boolean;
  /**
   * JSON text. A document without the field counts as one that holds this: in conditions, orders, unique lists and columns. So a field that is added
   * with a default is found in the documents that were stored before it. The latest shape decides.
   */
  readonly default?: string;
}

/** The shape of a collection of documents, so that a database can give it a table with named, typed columns. */
export interface CollectionShape {
  readonly name: string;
  readonly fields: readonly FieldShape[];
  readonly indexes: readonly (readonly string[])[];
  /**
   * Lists of fields whose values, together, only one document of a tenant may have; where one of them is null or absent, any
   * number may. Held against the documents as they are after the whole commit, so that two may exchange their values.
   */
  readonly unique: readonly (readonly string[])[];
}

/** The rows that a statement of the user's own has answered. */
export interface SqlResult<Row> {
  readonly command: "SELECT" | "INSERT" | "UPDATE" | "DELETE" | "MERGE";
  readonly rowCount: number;
  readonly rows: Row[];
}

/** What runs SQL on one connection of a database: a `pg` client does. */
export interface SqlClient {
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly object[] }>;
}

/** A transaction of the database that a commit can end, or only be part of. Reads see what it has written so far. */
export interface StoreTransaction {
  readonly log: LogReader;
  readonly documents: DocumentReader;
  readonly records: RecordReader;
  /** Runs a statement of the user's own; what the driver takes besides a text is handed on as it is. */
  query<Row>(text: string | object, values?: readonly unknown[], connection?: object): Promise<SqlResult<Row>>;
  /** Writes the commit and ends the transaction, with what else was written in it; a refusal leaves nothing of either. */
  commit(commit: Commit): Promise<CommitOutcome>;
  /** Leaves nothing. Does nothing after a commit. */
  rollback(options?: {
    /** Even while a statement of the user's own still runs, which then fails. */
    readonly atOnce: boolean;
  }): Promise<void>;
}

/** Transactions that hold statements of the user's own beside a commit. */
export interface StoreTransactions {
  /** Of a connection of the store's own. @param subject what it is for, in reports: `PayOut` */
  begin(subject: string): Promise<StoreTransaction>;
  /**
   * The one that a caller has begun, and ends: a commit writes in it and a refusal writes nothing, but neither ends it. From the first commit to its end, other
   * commits to the store wait.
   */
  join(client: SqlClient): StoreTransaction;
}

/**
 * A place that keeps a domain's facts and rows.
 *
 * Guarantees: a commit is atomic; versions in a stream are gapless from 0; positions rise in commit order and no
 * reader sees one appear below what it has read; a commit all of whose message ids are already stored, each append's in
 * its stream and order, is answered with the first result, writing nothing (ids stored in part, elsewhere or in another
 * order are `EVENT_ID_REUSED`); concurrent commits may share one transaction of the database, and the refusal of one
 * never fails another.
 */
export interface Store {
  /** For messages: `memory`, `sqlite bank.db`. */
  readonly name: string;
  readonly capabilities: ReadonlySet<Capability>;
  /** Which promises a store that is not `transactional` keeps in their weaker form instead of refusing a commit. Absent: none. */
  readonly weaker?: ReadonlySet<WeakerPromise>;
  /** It refuses every commit as `STORE_READ_ONLY`: a domain on it answers queries and views, and writes nothing when it starts. */
  readonly readOnly?: boolean;
  readonly log: LogReader;
  readonly documents: DocumentReader;
  readonly records: RecordReader;
  /** Undefined where the store has no SQL that a user could run. */
  readonly transactions?: StoreTransactions;
  /**
   * Prepares the store and its collections; safe to repeat with more collections, or with more fields of one. A change of
   * a shape that the stored documents do not fit (a field of another type, a new required one, values that are to be
   * unique and are not) is refused as `STORE_MIGRATION_REFUSED`, with what to run before trying again, and nothing is changed; a
   * store that was not open stays closed. Lists of unique fields are those of the latest shape.
   */
  open(collections: readonly CollectionShape[]): Promise<void>;
  /**
   * Answers the commits that were made, then lets go of everything; after it, all is refused as `STORE_NOT_OPEN`.
   *
   * @param options `atOnce`: waits for nothing, also where a call of `close` waits already. Commits that have no answer are refused.
   */
  close(options?: { readonly atOnce: boolean }): Promise<void>;
  commit(commit: Commit): Promise<CommitOutcome>;
  /**
   * Takes back a commit that has no answer yet: true if none of it is, or will be, stored; then its promise is refused. False where it is on its way
   * already. Absent: none can be taken back.
   */
  withdraw?(commit: Commit): boolean;
  /** Says who holds up what is written now, for reports; undefined where nobody does, or nobody knows. */
  heldUpBy?(): Promise<string | undefined>;
  /** Calls back after commits that wrote messages, from this process at least; returns the way to stop. */
  onCommit(listener: () => void): () => void;
}
