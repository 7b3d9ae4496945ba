import { assertSynchronous } from "../model/aggregate-root.ts";
import { definition, type Element } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import { encodeRow, restoreRow } from "../model/projection.ts";
import type { Values } from "../model/values.ts";
import type { DocumentReader, DocumentWrite, ExpectedVersion, StoredDocument } from "../ports/store.ts";
import { collectionOf, type EventMetadata, type Projecting, type ProjectorDefinition, type Rows } from "./projector.ts";
import type { UnitTransaction } from "./unit-transaction.ts";

type OnStep = Extract<Projecting, { how: "on" }>;
/** What a step may write to by SQL, until it has ended. */
type StepTransaction = Pick<UnitTransaction, "handle" | "handOver">;

/** A row in hand: as it is stored, and as it has become. */
interface Held {
  /** -1: not stored. */
  version: number;
  /** Its JSON text as stored. */
  data: string | undefined;
  row: object | undefined;
}

/** An event on its way through a projector. */
export interface Projected {
  readonly event: object;
  readonly metadata: EventMetadata;
}

/**
 * The rows of one projection and tenant that a batch of events touches: each is loaded once, changed in memory, and
 * written once.
 */
export class RowSession {
  readonly #projector: ProjectorDefinition;
  readonly #documents: () => DocumentReader;
  readonly #tenant: string;
  readonly #held = new Map<string, Held>();
  /** Those that a handler has had, and may have changed. */
  readonly #touched = new Map<string, Held>();
  /** Rows made ahead by {@link prefetch}, by event and step: making a row tells its key. */
  readonly #made = new Map<object, Map<Projecting, object>>();

  readonly #transaction: () => StepTransaction;

  /**
   * @param documents where the rows are read now
   * @param transaction in which the rows will be written
   */
  constructor(
    projector: ProjectorDefinition,
    documents: () => DocumentReader,
    tenant: string,
    transaction: () => StepTransaction,
  ) {
    this.#transaction = transaction;
    this.#projector = projector;
    this.#documents = documents;
    this.#tenant = tenant;
  }

  /** How many rows it holds. */
  get size(): number {
    return this.#held.size;
  }

  /** Loads the rows that the events will need, in one read. */
  async prefetch(entries: readonly Projected[]): Promise<void> {
    const wanted = new Set<string>();
    for (const { event, metadata } of entries) {
      for (const step of this.#steps(event)) {
        const id = this.#keyOf(step, event, metadata);
        if (id !== undefined && !this.#held.has(id)) wanted.add(id);
      }
    }
    await this.#load([...wanted]);
  }

  #keyOf(step: Projecting, event: object, metadata: EventMetadata): string | undefined {
    if (step.how === "on") return undefined;
    if (step.how !== "create") return step.key(event);
    const row = this.#new(step.make(event, metadata));
    const made = this.#made.get(event) ?? new Map<Projecting, object>();
    this.#made.set(event, made.set(step, row));
    return this.#idOf(row);
  }

  /** Applies one event that went through {@link prefetch}. */
  async apply({ event, metadata }: Projected): Promise<void> {
    for (const step of this.#steps(event)) {
      if (step.how === "on") await this.#runAwaited(step.run, event, metadata);
      else this.#applyStep(step, event, metadata);
    }
  }

  /** Runs a step given to `.on`, and refuses one that ended before the row operations that it had started. */
  async #runAwaited(run: OnStep["run"], event: object, metadata: EventMetadata): Promise<void> {
    let underWay = 0;
    const counted = async <T>(operation: Promise<T>): Promise<T> => {
      underWay += 1;
      try {
        return await operation;
      } finally {
        underWay -= 1;
      }
    };
    const rows: Rows<object, object> = {
      get: (id) => counted(this.#rows.get(id)),
      create: (row) => counted(this.#rows.create(row)),
      remove: (id) => counted(this.#rows.remove(id)),
    };
    const transaction = this.#transaction;
    let taken: StepTransaction | undefined;
    await run(event, {
      rows,
      metadata,
      get transaction() {
        taken = transaction();
        return taken.handle;
      },
    });
    taken?.handOver();
    if (underWay > 0) throw this.#notAwaited(nameOf(event));
  }

  /** Applies one event if no step of it has to wait; false if it has to go through {@link apply}. */
  applyNow({ event, metadata }: Projected): boolean {
    const steps = this.#steps(event);
    if (steps.some((step) => step.how === "on")) return false;
    for (const step of steps) this.#applyStep(step as Exclude<Projecting, { how: "on" }>, event, metadata);
    return true;
  }

  /** What has changed. `checked`: with the version that each row must still have. */
  writes(checked: boolean): DocumentWrite[] {
    const writes: DocumentWrite[] = [];
    for (const [id, held] of this.#touched) {
      const write = this.#write(id, held, checked);
      if (write !== undefined) writes.push(write);
    }
    return writes;
  }

  /** The writes are stored: what is held is what is stored now. */
  written(writes: readonly DocumentWrite[]): void {
    for (const { id, data } of writes) {
      const held = this.#holding(id);
      held.version = data === null ? -1 : held.version + 1;
      held.data = data ?? undefined;
    }
    this.#touched.clear();
    this.#made.clear();
  }

  get #name(): string {
    return this.#projector.projection[definition].name;
  }

  get #identifier(): string {
    return this.#projector.projection[definition].shape.identifier.name;
  }

  #steps(event: object): readonly Projecting[] {
    return this.#projector.steps.get(nameOf(event))?.steps ?? [];
  }

  #applyStep(step: Exclude<Projecting, { how: "on" }>, event: object, metadata: EventMetadata): void {
    if (step.how === "create") {
      this.#create(this.#made.get(event)?.get(step) ?? this.#new(step.make(event, metadata)));
      return;
    }
    const id = step.key(event);
    if (step.how === "remove") {
      this.#remove(id);
      return;
    }
    const held = this.#holding(id);
    this.#touched.set(id, held);
    if (held.row === undefined && step.how === "upsert") held.row = this.#new(step.make(event, metadata));
    if (held.row === undefined) throw this.#missing(id);
    const returned: unknown = step.change(held.row, event, metadata);
    assertSynchronous(this.#name, `the change for ${nameOf(event)}`, returned);
  }

  #new(row: object): object {
    const make = this.#projector.projection as unknown as new (input: object) => object;
    return row instanceof make ? row : new make(row);
  }

  #idOf(row: object): string {
    return String((row as Values)[this.#identifier]);
  }

  #create(row: object): object {
    const id = this.#idOf(row);
    const held = this.#holding(id);
    if (held.row !== undefined) throw this.#exists(id);
    held.row = row;
    this.#touched.set(id, held);
    return row;
  }

  #remove(id: string): void {
    const held = this.#holding(id);
    if (held.row === undefined) throw this.#missing(id);
    held.row = undefined;
    this.#touched.set(id, held);
  }

  #holding(id: string): Held {
    const held = this.#held.get(id);
    if (held !== undefined) return held;
    throw new NereusError("PROJECTION_ROW_MISSING", `${this.#name}: the row ${id} was not loaded`, {
      element: this.#name,
      fix: "A key must depend on the event alone.",
    });
  }

  async #load(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const found = await this.#documents().get(collectionOf(this.#projector), this.#tenant, ids);
    for (const id of ids) if (!this.#held.has(id)) this.#held.set(id, this.#hold(found.get(id)));
  }

  #hold(document: StoredDocument | undefined): Held {
    if (document === undefined) return { version: -1, data: undefined, row: undefined };
    const row = restoreRow(this.#projector.projection, JSON.parse(document.data) as Values) as object;
    return { version: document.version, data: document.data, row };
  }

  #write(id: string, held: Held, checked: boolean): DocumentWrite | undefined {
    const { row, version } = held;
    if (row !== undefined && this.#idOf(row) !== id) throw this.#moved(id);
    const data = row === undefined ? null : JSON.stringify(encodeRow(this.#projector.projection, row));
    if (data === (held.data ?? null)) return undefined;
    const expectedVersion: ExpectedVersion = !checked ? "any" : version === -1 ? "none" : version;
    return { collection: collectionOf(this.#projector), tenant: this.#tenant, id, expectedVersion, data };
  }

  readonly #rows: Rows<object, object> = {
    get: async (id) => {
      await this.#load(this.#held.has(id) ? [] : [id]);
      const held = this.#holding(id);
      this.#touched.set(id, held);
      return held.row;
    },
    create: async (input) => {
      const row = this.#new(input);
      await this.#rows.get(this.#idOf(row));
      return this.#create(row);
    },
    remove: async (id) => {
      await this.#rows.get(id);
      this.#remove(id);
    },
  };

  #notAwaited(event: string): NereusError {
    return new NereusError(
      "CHANGE_ASYNCHRONOUS",
      `${this.#name}: the step for ${event} did not await a row operation`,
      {
        element: this.#name,
        fix: "Write await rows.get(…), await rows.create(…), await rows.remove(…).",
      },
    );
  }

  #missing(id: string): NereusError {
    return new NereusError("PROJECTION_ROW_MISSING", `${this.#name} has no row ${id}`, {
      element: this.#name,
      fix: "Create the row from an earlier event, or use .upsert.",
    });
  }

  #exists(id: string): NereusError {
    return new NereusError("PROJECTION_ROW_EXISTS", `${this.#name} already has a row ${id}`, {
      element: this.#name,
      fix: "Use .upsert if several events may make the row.",
    });
  }

  #moved(id: string): NereusError {
    return new NereusError("IDENTITY_IMMUTABLE", `${this.#name}: the identity of row ${id} was changed`, {
      element: this.#name,
      fix: "Remove the row and create another.",
    });
  }
}

function nameOf(event: object): string {
  return (event.constructor as unknown as Element)[definition].name;
}
