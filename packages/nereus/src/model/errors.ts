const brand: unique symbol = Symbol.for("nereus.error") as never;

/** One fault found in a model or an input: where it is, what is wrong, and a stable code. */
export interface Issue {
  /** Path to the offending part: `["holder"]`, `["signatories", 0, "email"]`; empty for the whole. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** Stable within its origin: a schema issue's own code (`too_big`), or the name of an invariant. */
  readonly code: string;
}

export interface ErrorDetails {
  /** What the reader should do about it, as one sentence. */
  readonly fix?: string;
  /** The element (aggregate, command, store …) that the error is about. */
  readonly element?: string;
  readonly cause?: unknown;
}

/**
 * The base of every error that Nereus raises.
 *
 * `code` is stable and documented in docs/reference/errors.md; the message is for people and may change.
 * Test an error with {@link isNereusError}, which also holds across two installed copies of the package.
 *
 * @example
 * try { await bank.process(new Withdraw({ accountId, amount: 100 })); }
 * catch (error) { if (isNereusError(error, "AGGREGATE_NOT_FOUND")) return notFound(); throw error; }
 */
export class NereusError extends Error {
  readonly code: ErrorCode;
  readonly fix: string | undefined;
  readonly element: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.fix = details.fix;
    this.element = details.element;
  }

  /** The error as one paragraph for a terminal or a log: code, message, and what to do. */
  describe(): string {
    return `${this.code}: ${this.message}${this.fix === undefined ? "" : `\n  fix: ${this.fix}`}`;
  }
}

Object.defineProperty(NereusError.prototype, brand, { value: true });

/** Whether a value is an error of Nereus, and, if a code is named, that one. Safe across package copies. */
export function isNereusError(value: unknown, code?: ErrorCode): value is NereusError {
  if (typeof value !== "object" || value === null || !(brand in value)) return false;
  return code === undefined || ("code" in value && value.code === code);
}

/**
 * Input that does not fit its schema, or state that breaks a rule. Every fault is in `issues`. Handlers and services
 * throw one of their own where a rule is theirs.
 *
 * @example
 * throw new ValidationError("VALIDATION_FAILED", "PlaceOrder", [
 *   { path: ["customerId"], code: "credit", message: "This customer has no credit left" },
 * ]);
 */
export class ValidationError extends NereusError {
  override readonly name: string = "ValidationError";
  readonly issues: readonly Issue[];
  /** Of the aggregate or entity whose rule was broken, where it has one. */
  readonly identity: string | undefined;

  constructor(
    code:
      | "VALIDATION_FAILED"
      | "VALUE_TOO_DEEP"
      | "INVARIANT_FAILED"
      | "PRECONDITION_FAILED"
      | "REFUSED"
      | "STATUS_TRANSITION_FORBIDDEN",
    element: string | undefined,
    issues: readonly Issue[],
    {
      fix = "Correct the values named in issues.",
      identity,
    }: { readonly fix?: string; readonly identity?: string } = {},
  ) {
    const list = issues.map((issue) => (issue.path.length === 0 ? "" : `${issue.path.join(".")}: `) + issue.message);
    const whose = [element, identity].filter((part) => part !== undefined).join(" ");
    super(
      code,
      `${whose === "" ? "" : `${whose}: `}${list.join("; ")}`,
      element === undefined ? { fix } : { element, fix },
    );
    this.issues = issues;
    this.identity = identity;
  }
}

/** An event was raised that its aggregate has no `.applies` for (code `APPLY_HANDLER_MISSING`). */
export class NotImplementedError extends NereusError {
  override readonly name: string = "NotImplementedError";
}

/** No aggregate with this identity is stored, or not at the version or time asked for. */
export class AggregateNotFoundError extends NereusError {
  override readonly name: string = "AggregateNotFoundError";
}

/** Another writer was faster, and retries were used up or not allowed. Nothing of the command was stored. */
export class ConcurrencyError extends NereusError {
  override readonly name: string = "ConcurrencyError";
}

/** The model has faults: all that `Domain.start` found, at once. */
export class ModelError extends NereusError {
  override readonly name: string = "ModelError";
  readonly faults: readonly ModelFault[];

  constructor(domain: string, faults: readonly ModelFault[]) {
    const lines = faults.map((fault) => `  ${fault.code} ${fault.element}: ${fault.message} (${fault.fix})`);
    super("MODEL_INVALID", `Domain ${domain} has ${faults.length} fault(s):\n${lines.join("\n")}`, {
      element: domain,
      fix: "Mend each fault listed; all of them are shown at once.",
    });
    this.faults = faults;
  }
}

/** One fault of a model, found before anything runs. */
export interface ModelFault {
  readonly code: ErrorCode;
  readonly element: string;
  readonly message: string;
  readonly fix: string;
}

/** Every code, with what it means. docs/reference/errors.md is held equal to this table by a test. */
export const errorCodes = {
  // values and rules
  VALIDATION_FAILED: "A message, entity, value object or row does not fit its schema; see issues.",
  VALUE_TOO_DEEP: "A value is nested more than 500 levels deep, or contains itself.",
  MESSAGE_TOO_LARGE: "The data of one event or command is larger than the domain allows.",
  COMMIT_TOO_LARGE: "What one command or batch would store at once is larger than the domain allows.",
  INVARIANT_FAILED: "A rule of an aggregate or value object does not hold; the change was rolled back.",
  PRECONDITION_FAILED: "A rule that has to hold before a change did not; nothing was changed.",
  REFUSED: "An aggregate, entity or handler has refused what was asked, by refuse(…); see issues.",
  STATUS_TRANSITION_FORBIDDEN: "A status field was moved along a transition that its declaration does not allow.",
  APPLY_HANDLER_MISSING: "An event was raised that the aggregate has no .applies for, or listed no .raises for.",
  STATE_CHANGED_OUTSIDE_APPLY:
    "State of an event-sourced aggregate was changed outside .applies, or a frozen value in place.",
  EVENT_RAISED_TWICE: "One event object was raised a second time; each thing that happens is an event of its own.",
  RAISED_INSIDE_APPLY: "An event was raised by an apply handler, which also runs in replay and may only change state.",
  CHANGE_ASYNCHRONOUS:
    "Something that changes state went on after it had returned; it must be synchronous, or awaited.",
  IDENTITY_IMMUTABLE: "The identity of an aggregate, entity or row was changed after it was set.",
  IDENTITY_MISSING: "An aggregate has no identity when it is saved or addressed.",
  FIELD_REDECLARED: "A subclass declares a field again and so hides the checked one.",
  FIELD_NOT_IN_SHAPE: "A field of an aggregate or entity is not in its shape, and would be lost.",
  ELEMENT_NAME_INVALID: "An element has no usable name.",
  FIELD_NAME_RESERVED: "A field has the name of a method or property that every such element has.",
  PAYLOAD_NOT_SERIALISABLE: "A value cannot be stored as JSON and has no codec.",
  STORED_SHAPE_CHANGED: "Something stored does not fit the shape that its class has now.",
  CHECKSUM_MISMATCH: "A stored message does not match its checksum: the data was damaged outside Nereus.",
  ENTITY_DUPLICATE: "A collection already holds an entity with this identity.",
  ENTITY_SHARED: "An entity that belongs to one aggregate was given to another.",
  ENTITY_NOT_FOUND: "A collection holds no entity with this identity.",
  AGGREGATE_NOT_EVENT_SOURCED: "A history or a past state was asked of a state-stored aggregate.",
  AGGREGATE_NOT_STATE_STORED: "An event-sourced aggregate was to be queried by its fields, or removed.",
  AGGREGATE_READ_ONLY:
    "A change was attempted on an aggregate loaded at a past version or time, or after its unit of work had ended.",
  // commands and units of work
  AGGREGATE_NOT_FOUND: "No aggregate is stored under this identity.",
  AGGREGATE_EXISTS: "An aggregate is already stored under this identity.",
  VERSION_NOT_FOUND: "The aggregate exists, but not at the version or time asked for.",
  UNIQUE_VIOLATED: "Another aggregate or row has the values already that only one may have.",
  AGGREGATE_NOT_ADDED: "An aggregate was changed but not handed to its repository's add.",
  AGGREGATE_DUPLICATE: "Two instances of one aggregate were added in one unit of work.",
  NOTHING_TO_SAVE: "A new aggregate without any event was added.",
  CONCURRENCY_CONFLICT: "Another writer changed the same data first, and retries were used up.",
  EXPECTED_VERSION_MISMATCH: "The aggregate is not at the version that the caller expects.",
  EXPECTED_VERSION_UNUSED: "An expected version was given, but the handler loaded no aggregate to hold it against.",
  INNER_FAILURE_SWALLOWED: "A nested command failed and its error was caught; the whole unit of work was refused.",
  UNIT_OF_WORK_CLOSED: "A handler's context was used after its unit of work had ended.",
  TRANSACTION_UNSUPPORTED: "A transaction of the database was asked for, or handed in, on a store without SQL.",
  TRANSACTION_CONTROL_REFUSED: "A statement would have ended the transaction that a command commits in.",
  TRANSACTION_ENDED: "The transaction that a command was to be stored in has ended, or was never begun.",
  TRANSACTION_LEVEL_UNSUITABLE:
    "A caller's transaction has an isolation level at which the store cannot keep what it promises.",
  TRANSACTION_ABORTED:
    "A statement has failed in the transaction that a command was to be stored in, which so takes no more.",
  STATEMENT_NOT_AWAITED: "A handler or a step of a projection ended before a statement of its own that it had sent.",
  READ_ONLY_CONTEXT: "Something was added to a repository in a context that only reads.",
  FIELD_UNORDERED: "A field was compared by order, or ordered by, that has no order which is the same on every store.",
  TENANT_REQUIRED: "A call does not say of which tenant it is, and its domain requires it.",
  OPTION_INVALID: "An option of a command or a read has no usable value.",
  DEADLINE_EXCEEDED: "The time of a command or query was up before it was done.",
  OUTCOME_UNKNOWN:
    "The time of a command was up while its commit was on its way to the store: whether it is stored is not known.",
  STOP_FORCED: "A stop waited as long as it may, and ended what still ran.",
  IDEMPOTENCY_KEY_REUSED: "An idempotency key was used again with another command or payload.",
  MESSAGE_ID_REUSED: "A subscriber was given a known id with another message.",
  RESULT_NOT_SERIALISABLE: "A result cannot be kept for its idempotency key, because it is not JSON.",
  EVENT_HANDLERS_FAILED: "Several handlers of events failed; see the errors of cause.",
  EVENT_CASCADE_ENDLESS: "Events follow from one another in a circle, in one unit of work.",
  TURN_DEADLOCK: "A command waits for an aggregate or an idempotency key that is held until the command is done.",
  CALLED_IN_HANDLER: "The domain was told, in one of its handlers, to do what would wait for that handler or undo it.",
  // the domain
  MODEL_INVALID: "The model has faults; see faults.",
  DOMAIN_NOT_STARTED: "The domain is used before start or after stop.",
  DOMAIN_ALREADY_STARTED: "An element was registered with a domain that was started already.",
  DECORATOR_INVALID: "A decorator is where it can do nothing, or was not given what it needs.",
  INSTANCE_NOT_MADE: "A decorated class has no instance: what makes it failed, or gave something else.",
  UNKNOWN_COMMAND: "No handler of this domain takes this command.",
  UNKNOWN_QUERY: "No handler of this domain takes this query.",
  UNKNOWN_AGGREGATE: "The aggregate is not an element of this domain.",
  UNKNOWN_PROJECTION: "The projection is not an element of this domain.",
  UNKNOWN_SERVICE: "The application service or subscriber is not an element of this domain.",
  UNKNOWN_EVENT_TYPE: "A stored event has a type or version that no element of this domain has.",
  UNKNOWN_FIELD: "A query names a field that the aggregate or projection does not have.",
  ELEMENT_UNKNOWN: "Something that is not an element of a domain is in its list of elements.",
  PACKAGE_DUPLICATED: "Two copies of the package are loaded, and parts of both came together.",
  ELEMENT_DUPLICATE: "Two elements of one kind have the same name.",
  ELEMENT_OPTION_INVALID: "An option of an element has no usable value.",
  COMMAND_HANDLED_TWICE: "Two handlers take the same command.",
  COMMAND_UNHANDLED: "A command is listed as an element, but nothing handles it.",
  QUERY_HANDLED_TWICE: "Two handlers take the same query.",
  QUERY_UNHANDLED: "A query is listed as an element, but nothing answers it.",
  COMMAND_NAME_DUPLICATE: "Two command classes have the same name.",
  QUERY_NAME_DUPLICATE: "Two query classes have the same name.",
  EVENT_APPLIED_TWICE: "Two event-sourced aggregates apply the same event.",
  EVENT_NAME_DUPLICATE: "Two event classes have the same name.",
  EVENT_UNREACHABLE: "Something waits for an event that no aggregate of the domain raises or applies.",
  MESSAGE_EXPECTED: "A handler or projector is given for something that is not a message of its kind.",
  HANDLERS_EMPTY: "A list of handlers is an element, but has no handler in it.",
  HANDLER_INVALID: "A handler, rule or step is not a function.",
  APPLY_MISSING: "An event-sourced aggregate applies no event at all, or not one that it says it raises.",
  IDENTIFIER_MISSING: "An aggregate, entity or projection has no identifier field.",
  IDENTIFIER_AMBIGUOUS: "An aggregate or projection has more than one identifier field.",
  REFERENCE_UNKNOWN: "A reference names something that is no aggregate of the domain.",
  RELATION_INVALID: "A field made by hasMany or hasOne holds something that is no entity.",
  FIELD_MISPLACED: "A field is of a type that has no meaning where it stands.",
  STATUS_INVALID: "A status names a state that it does not have.",
  REPOSITORY_DUPLICATE: "An aggregate has more than one custom repository.",
  SERVICE_PARTS_TOO_FEW: "A domain service works on fewer than two aggregates.",
  SERVICE_EMPTY: "An application service has no use case.",
  SUBSCRIBER_INVALID: "A subscriber lacks a stream, a broker or a schema of its messages.",
  AGGREGATE_UNREGISTERED: "A handler is bound to an aggregate that is not an element of the domain.",
  PROJECTION_UNREGISTERED: "A projector or query handler is bound to a projection that is not an element.",
  PROJECTOR_MISSING: "A projection has no projector.",
  PROJECTOR_EMPTY: "A projector has no step, so its projection would stay empty.",
  PROJECTOR_DUPLICATE: "A projection has more than one projector.",
  INDEX_INVALID: "A list of indexed or unique fields is empty, repeated, or names what cannot be searched.",
  UNIQUE_NOT_INLINE: "A projection is unique by some fields, but does not run inline, so it could refuse no command.",
  INDEX_FIELD_UNKNOWN: "An index names a field that its projection does not have.",
  COMMAND_IDENTITY_UNKNOWN: "An update handler's command has no field that names the aggregate's identity.",
  CLOCK_INVALID: "The domain's clock answered what is no time.",
  STORE_CAPABILITY_MISSING: "The store cannot keep a promise that the model needs.",
  SCHEMA_UNSUPPORTED: "A field's schema cannot be stored: it has no JSON form and no codec.",
  // the engine
  EVENT_HANDLER_FAILED: "A handler failed at an event, also when it was tried again; it stays before that event.",
  SENT_COMMAND_FAILED: "A sent command was refused, or failed whenever it was tried.",
  SETTLE_FAILED: "Several projections, handlers or sent commands failed; see the errors of cause.",
  PROJECTION_FAILED: "A projector failed at an event; the projection stays before it until the cause is mended.",
  VISIBILITY_FAILED: "A command is stored, but a projection that its caller waited for does not show it.",
  PROJECTION_ROW_MISSING: "A projector updates or removes a row that is not there.",
  PROJECTION_ROW_EXISTS: "A projector creates a row that is already there.",
  // stores
  STORE_NOT_OPEN: "The store is used before it was opened or after it was closed.",
  STORE_NOT_SET_UP: "The database lacks what the store needs in it; run its set-up.",
  COMMIT_INCOMPLETE:
    "One of two stores has its part of a commit, and the other does not; the error says what becomes of it.",
  STORE_UNREACHABLE: "The database server cannot be reached, also after waiting for it.",
  STORE_POOL_EXHAUSTED: "The server answers, but all connections were taken for too long.",
  STORE_LOCKED: "Another process holds the database file.",
  STORE_READ_ONLY: "The database or its file cannot be written, or was opened for reading only.",
  STORE_RIGHT_MISSING: "The role of the connections lacks a right in the database that the store needs.",
  STORE_DATABASE_UNSUITABLE:
    "The database server is too old, or a setting or the encoding would change what is stored.",
  STORE_POOLER_UNSUITABLE: "A connection pooler before the database takes away what the store relies on.",
  STORE_CORRUPT: "The database file is damaged, or not a database.",
  STORE_WENT_BACK:
    "The store was put back to an earlier state: something that was read or written is not in it any more.",
  STORE_REPLACED: "The database file was deleted, moved or replaced while the store was open.",
  STORE_FULL: "No space is left for the database file.",
  STORE_OF_ANOTHER_DOMAIN: "The store is another domain's.",
  STORE_DRIVER_FAILED: "The database's driver is installed and could not be loaded.",
  STORE_INCOMPATIBLE: "The database file was written by a newer or foreign schema.",
  STORE_MIGRATION_REFUSED: "Stored documents do not fit the shape that the model has now; the error says what to run.",
  STORE_FAILED: "The store failed for another reason; see cause.",
  EVENT_ID_REUSED: "An event id is already stored with other events or in another stream.",
} as const;

/** The stable code of an error. */
export type ErrorCode = keyof typeof errorCodes;
