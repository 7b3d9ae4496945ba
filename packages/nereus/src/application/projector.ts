import { definition, type Element, nameOf } from "../model/element.ts";
import type { EventClass } from "../model/message.ts";
import type { ProjectionClass } from "../model/projection.ts";
import type { SqlTransaction } from "./unit-transaction.ts";

/** When a projection follows the log: in the same transaction, or soon after in batches. */
export type ProjectionRun = "inline" | "async";

export interface ProjectorOptions {
  /**
   * `inline`: rows change in the transaction that appends the events. `async`: an engine applies events in batches,
   * each with its checkpoint in one transaction.
   */
  readonly run: ProjectionRun;
  /**
   * Of the projector, from 1 (the default). Another version starts again from the first event, with rows of its own;
   * those of the former version stay in the store, and are read again by a domain that has that version.
   */
  readonly version?: number;
  /**
   * Only of `async` projectors: the categories of the streams whose events are read. Default: the aggregates that raise them; all for an event that no aggregate of the domain
   * raises. Name them where streams of a former name, or of another application on the log, count too; to rows that are there
   * already, another `version` brings what was left out.
   *
   * @example ["Account", "savings"]
   */
  readonly categories?: readonly string[];
}

/** The rows that a handler given to `.on` may touch. They are tracked: a row that was got and changed is saved. */
export interface Rows<Row, NewRow> {
  get(id: string): Promise<Row | undefined>;
  /** @throws NereusError PROJECTION_ROW_EXISTS */
  create(row: NewRow): Promise<Row>;
  /** @throws NereusError PROJECTION_ROW_MISSING */
  remove(id: string): Promise<void>;
}

/** What is known of the event being projected. */
export interface EventMetadata {
  readonly id: string;
  readonly tenant: string;
  /** Of the stream it belongs to. */
  readonly category: string;
  readonly streamId: string;
  /** Its place in that stream, from 0; -1 for a state-stored aggregate's event in an inline projection: it is not known yet. */
  readonly version: number;
  readonly recordedAt: Date;
  readonly occurredAt: Date;
  readonly correlationId: string;
  readonly causationId: string | null;
  /** What enrichers and callers added. */
  readonly extensions: Readonly<Record<string, unknown>>;
}

/** What a projector's handler gets besides the event. */
export interface ProjectorContext<Row, NewRow> {
  readonly rows: Rows<Row, NewRow>;
  readonly metadata: EventMetadata;
  /**
   * The database's transaction in which the rows and the checkpoint are stored: for tables of your own. Another version of the projector
   * begins again from the first event; what the former one wrote to such tables is yours to clear.
   */
  readonly transaction: SqlTransaction;
}

/** One step of a projector. `key` names the row; `make` and `change` are synchronous, so that batches stay fast. */
export type Projecting =
  | { readonly how: "create"; readonly make: (event: object, metadata: EventMetadata) => object }
  | {
      readonly how: "update";
      readonly key: (event: object) => string;
      readonly change: (row: object, event: object, metadata: EventMetadata) => void;
    }
  | {
      readonly how: "upsert";
      readonly key: (event: object) => string;
      readonly make: (event: object, metadata: EventMetadata) => object;
      readonly change: (row: object, event: object, metadata: EventMetadata) => void;
    }
  | { readonly how: "remove"; readonly key: (event: object) => string }
  | { readonly how: "on"; readonly run: (event: object, context: ProjectorContext<object, object>) => Promise<void> };

/** The definition behind `projector(…)`. */
export interface ProjectorDefinition {
  readonly kind: "projector";
  readonly name: string;
  readonly projection: ProjectionClass;
  readonly run: ProjectionRun;
  readonly version: number;
  readonly categories: readonly string[] | undefined;
  /** The names of the options that were given. */
  readonly given: readonly string[];
  /** By event name, in the order in which they were given. */
  readonly steps: ReadonlyMap<string, { readonly event: EventClass; readonly steps: readonly Projecting[] }>;
}

/**
 * Where the rows of a projector are kept: another version has rows of its own, so that it can begin with none while
 * the former ones stay as they are.
 */
export function collectionOf({ projection, version }: ProjectorDefinition): string {
  const { name } = projection[definition];
  return version === 1 ? name : `${name}_v${version}`;
}

/** Nothing that the row does not have. What a message has besides its fields, a spread of it seems to bring along. */
type Known<R, NewRow> = {
  readonly [K in Exclude<keyof R & string, keyof NewRow | "$type" | "toJSON" | "equals">]: never;
};

/** The name under which a projector's checkpoint is kept, and an inline one is known: another version starts at the beginning. */
export function checkpointOf({ projection, version }: ProjectorDefinition): string {
  return `projection:${projection[definition].name}:${version}`;
}

/** How a projection's rows follow from events. Each method returns the projector with one more step. */
export interface Projector<Row, NewRow> extends Element<"projector"> {
  readonly [definition]: ProjectorDefinition;
  /**
   * A new row. When it runs: `PROJECTION_ROW_EXISTS` if there is one already.
   *
   * @example .create(AccountOpened, ({ accountId, holder }) => ({ accountId, holder, balance: 0 }))
   */
  create<E, R extends NewRow>(
    event: EventClass<E>,
    make: (event: NoInfer<E>, metadata: EventMetadata) => R & Known<R, NewRow>,
  ): Projector<Row, NewRow>;
  /**
   * A change of a row. When it runs: `PROJECTION_ROW_MISSING` if there is none.
   *
   * @example .update(DepositMade, (event) => event.accountId, (row, { amount }) => { row.balance += amount; })
   */
  update<E>(
    event: EventClass<E>,
    key: (event: NoInfer<E>) => string,
    change: (row: Row, event: NoInfer<E>, metadata: EventMetadata) => void,
  ): Projector<Row, NewRow>;
  /** A change of a row, which is made first if it is not there. */
  upsert<E, R extends NewRow>(
    event: EventClass<E>,
    key: (event: NoInfer<E>) => string,
    make: (event: NoInfer<E>, metadata: EventMetadata) => R & Known<R, NewRow>,
    change: (row: Row, event: NoInfer<E>, metadata: EventMetadata) => void,
  ): Projector<Row, NewRow>;
  /** Removes a row. When it runs: `PROJECTION_ROW_MISSING` if there is none. */
  remove<E>(event: EventClass<E>, key: (event: NoInfer<E>) => string): Projector<Row, NewRow>;
  /**
   * Anything else, with the rows at hand: await each operation on them.
   *
   * @example
   * .on(AccountsMerged, async (event, { rows }) => {
   *   const [kept, gone] = [await rows.get(event.into), await rows.get(event.from)];
   *   if (kept && gone) kept.balance += gone.balance;
   *   await rows.remove(event.from);
   * })
   */
  on<E>(
    event: EventClass<E>,
    run: (event: NoInfer<E>, context: ProjectorContext<Row, NewRow>) => Promise<void>,
  ): Projector<Row, NewRow>;
}

/**
 * How a projection's rows follow from events. Handlers have no effect but on rows, so that a projection can be built
 * again from the log at any time.
 *
 * @example
 * projector(AccountSummary, { run: "async", version: 1 })
 *   .create(AccountOpened, (event) => ({ accountId: event.accountId, holder: event.holder, balance: event.opening }))
 *   .update(DepositMade, (event) => event.accountId, (row, event) => { row.balance += event.amount; });
 */
export function projector<Row extends object, NewRow>(
  projection: ProjectionClass<Row, NewRow>,
  options: ProjectorOptions,
): Projector<Row, NewRow> {
  const { run, version = 1, categories } = options;
  const own: ProjectorDefinition = {
    kind: "projector",
    name: `projector(${nameOf(projection)})`,
    projection: projection as unknown as ProjectionClass, // steps are kept without their types
    run,
    version,
    categories,
    given: Object.keys(options),
    steps: new Map(),
  };
  return new ProjectorSteps(own) as unknown as Projector<Row, NewRow>;
}

class ProjectorSteps {
  readonly [definition]: ProjectorDefinition;

  constructor(own: ProjectorDefinition) {
    this[definition] = own;
  }

  create(event: EventClass, make: Extract<Projecting, { how: "create" }>["make"]): ProjectorSteps {
    return this.#with(event, { how: "create", make });
  }

  update(
    event: EventClass,
    key: Extract<Projecting, { how: "update" }>["key"],
    change: Extract<Projecting, { how: "update" }>["change"],
  ): ProjectorSteps {
    return this.#with(event, { how: "update", key, change });
  }

  upsert(
    event: EventClass,
    key: Extract<Projecting, { how: "upsert" }>["key"],
    make: Extract<Projecting, { how: "upsert" }>["make"],
    change: Extract<Projecting, { how: "upsert" }>["change"],
  ): ProjectorSteps {
    return this.#with(event, { how: "upsert", key, make, change });
  }

  remove(event: EventClass, key: Extract<Projecting, { how: "remove" }>["key"]): ProjectorSteps {
    return this.#with(event, { how: "remove", key });
  }

  on(event: EventClass, run: Extract<Projecting, { how: "on" }>["run"]): ProjectorSteps {
    return this.#with(event, { how: "on", run });
  }

  #with(event: EventClass, step: Projecting): ProjectorSteps {
    const own = this[definition];
    const name = nameOf(event);
    const steps = [...(own.steps.get(name)?.steps ?? []), step];
    return new ProjectorSteps({ ...own, steps: new Map([...own.steps, [name, { event, steps }]]) });
  }
}
