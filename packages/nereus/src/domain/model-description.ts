/** What JSON can carry. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * What values a schema takes: `{ type: "string", format: "email", maxLength: 100 }`. Which details there are depends on the type;
 * a composed type has those of its parts: `{ type: "array", of: { type: "date" }, minLength: 1 }`.
 */
export interface TypeDescription {
  /**
   * A type of Zod (`string`, `integer`, `date`, `array`, `union` …), or one of `status`, `valueObject`, `entity`, `entities`,
   * `codec` (`wire`: what is stored), `standard` (a schema of another `vendor`), `recursive` (the type so many `levels` up). A
   * `date` is stored as ISO 8601 text, a `bigint` as its digits.
   */
  readonly type: string;
  readonly optional?: true;
  readonly nullable?: true;
  /** In its stored form. What is made anew each time, such as an identity or the time, is only said to be `generated`. */
  readonly default?: JsonValue;
  readonly generated?: true;
  readonly personal?: true;
  /** The aggregate that it refers to. */
  readonly references?: string;
  readonly [detail: string]: TypeDetail | undefined;
}

/** What is said of a type: a value, or the types that it is made of. */
export type TypeDetail =
  | JsonValue
  | TypeDescription
  | readonly (TypeDescription | JsonValue)[]
  | { readonly [name: string]: TypeDescription };

export interface FieldDescription extends TypeDescription {
  /** Whether a constructor wants it to be given. */
  readonly required: boolean;
  readonly identifier?: true;
}

/** By name, sorted. */
export type FieldDescriptions = Readonly<Record<string, FieldDescription>>;

/** A rule, by what it is known by. Its test is code, which a description does not show. */
export interface RuleDescription {
  readonly code: string;
  readonly message: string;
}

export interface AggregateDescription {
  readonly kind: "eventSourced" | "stateStored";
  /** The field that identifies it; null in a model with faults. */
  readonly identifier: string | null;
  readonly fields: FieldDescriptions;
  /** In the order in which they are checked. */
  readonly preconditions: readonly RuleDescription[];
  readonly invariants: readonly RuleDescription[];
  /** What it applies, or raises, sorted. */
  readonly events: readonly string[];
  readonly indexes: readonly (readonly string[])[];
  readonly unique: readonly (readonly string[])[];
  readonly factEvents: boolean;
  readonly snapshotEvery: number | null;
  readonly snapshotVersion: number | null;
}

export interface EntityDescription {
  readonly name: string;
  /** The aggregates that hold it, sorted: two aggregates may each have an entity of one name. */
  readonly aggregates: readonly string[];
  readonly identifier: string;
  readonly fields: FieldDescriptions;
  readonly preconditions: readonly RuleDescription[];
  readonly invariants: readonly RuleDescription[];
}

export interface ValueObjectDescription {
  readonly fields: FieldDescriptions;
  readonly invariants: readonly RuleDescription[];
}

export interface EventDescription {
  readonly version: number;
  readonly published: boolean;
  readonly fields: FieldDescriptions;
  /** The aggregates that raise or apply it; none for an event that comes from elsewhere. */
  readonly aggregates: readonly string[];
  /** The event handlers that follow it. */
  readonly handledBy: readonly string[];
  /** The projections that follow it. */
  readonly projections: readonly string[];
}

export interface CommandDescription {
  readonly version: number;
  readonly fields: FieldDescriptions;
  /** Null in a model with faults. `identity`: the field that names the aggregate. */
  readonly handler: {
    readonly aggregate: string;
    readonly how: "create" | "update" | "on";
    readonly identity: string | null;
  } | null;
}

export interface QueryDescription {
  readonly version: number;
  readonly fields: FieldDescriptions;
  /** The projection that answers it; null in a model with faults. */
  readonly projection: string | null;
}

export interface ProjectionDescription {
  readonly identifier: string | null;
  readonly fields: FieldDescriptions;
  readonly indexes: readonly (readonly string[])[];
  readonly unique: readonly (readonly string[])[];
  /** Null in a model with faults. `events`: for each event its steps, in their order. */
  readonly projector: {
    readonly run: string;
    readonly version: number;
    /** As the user named them; null: those of the aggregates that raise the events. */
    readonly categories: readonly string[] | null;
    readonly events: Readonly<Record<string, readonly string[]>>;
  } | null;
}

export interface EventHandlersDescription {
  readonly run: string;
  readonly retries: number;
  /** As for a projector. */
  readonly categories: readonly string[] | null;
  /** The event of each handler, in the order in which they run. */
  readonly events: readonly string[];
}

/**
 * A domain as data: what is in it, and how its parts belong together. The same model gives the same text, whatever the
 * order of its elements and wherever it runs, so that two descriptions can be compared. Records are sorted by name.
 */
export interface ModelDescription {
  /** Of the description itself: raised when its form changes. */
  readonly format: 1;
  readonly domain: string;
  readonly aggregates: Readonly<Record<string, AggregateDescription>>;
  /** Sorted by name, then by aggregates. */
  readonly entities: readonly EntityDescription[];
  readonly valueObjects: Readonly<Record<string, ValueObjectDescription>>;
  readonly events: Readonly<Record<string, EventDescription>>;
  readonly commands: Readonly<Record<string, CommandDescription>>;
  readonly queries: Readonly<Record<string, QueryDescription>>;
  readonly projections: Readonly<Record<string, ProjectionDescription>>;
  readonly eventHandlers: Readonly<Record<string, EventHandlersDescription>>;
  /** Custom repositories by their aggregate: the names of the methods that they add. */
  readonly repositories: Readonly<Record<string, { readonly methods: readonly string[] }>>;
  readonly domainServices: Readonly<
    Record<
      string,
      {
        readonly parts: Readonly<Record<string, string>>;
        readonly preconditions: readonly RuleDescription[];
        readonly invariants: readonly RuleDescription[];
      }
    >
  >;
  readonly applicationServices: Readonly<Record<string, { readonly useCases: readonly string[] }>>;
  readonly subscribers: Readonly<
    Record<string, { readonly broker: string; readonly stream: string; readonly message: TypeDescription }>
  >;
}
