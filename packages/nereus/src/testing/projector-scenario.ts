import type { EventMetadata, ProjectorDefinition } from "../application/projector.ts";
import { RowSession } from "../application/row-session.ts";
import { transactionUnsupported } from "../application/unit-transaction.ts";
import type { TenantOptions } from "../domain/domain-options.ts";
import { definition } from "../model/element.ts";
import { type EventClass, encodeMessage, messageId, restoreMessage } from "../model/message.ts";
import { restoreRow } from "../model/projection.ts";
import type { Values } from "../model/values.ts";
import type { DocumentReader, StoredDocument } from "../ports/store.ts";
import { nameOf } from "./misuse.ts";
import { shapeOf } from "./readable.ts";
import { assertNoRow, assertRow, assertRows } from "./rows.ts";
import { Scenario } from "./scenario.ts";
import { type Item, itemsOf, type SeedOptions } from "./seed.ts";
import { type Progress, Step } from "./step.ts";

/** What a projector has seen before. */
export class GivenProjector {
  readonly #projector: ProjectorDefinition;
  readonly #before: readonly object[];

  constructor(projector: ProjectorDefinition, before: readonly object[]) {
    this.#projector = projector;
    this.#before = before;
  }

  when(event: object): ProjectorScenario {
    return this.#begin().when(event);
  }

  thenRow(id: string, row: object, options?: TenantOptions): ProjectorScenario {
    return this.#begin().thenRow(id, row, options);
  }

  thenNoRow(id: string, options?: TenantOptions): ProjectorScenario {
    return this.#begin().thenNoRow(id, options);
  }

  thenRows(rows: readonly object[], options?: TenantOptions): ProjectorScenario {
    return this.#begin().thenRows(rows, options);
  }

  #begin(): ProjectorScenario {
    const table = new Table(this.#projector);
    const first = new Step<Progress>(async () => {
      for (const item of itemsOf(this.#before)) await table.see(item);
      return { outcome: undefined, isRefusalExpected: false };
    });
    return new ProjectorScenario(table, first);
  }
}

class ProjectorScenario extends Scenario<Progress> {
  readonly #table: Table;

  constructor(table: Table, step: Step<Progress>) {
    super(step);
    this.#table = table;
  }

  protected after(step: Step<Progress>): this {
    return new ProjectorScenario(this.#table, step) as this; // nobody extends it
  }

  when(event: object): ProjectorScenario {
    return this.after(
      this.act(async () => {
        try {
          for (const item of itemsOf([event])) await this.#table.see(item);
          return { outcome: { result: undefined, error: undefined, events: [] }, isRefusalExpected: false };
        } catch (reason) {
          return { outcome: { result: undefined, error: { reason }, events: [] }, isRefusalExpected: false };
        }
      }),
    );
  }

  thenRow(id: string, row: object, { tenant = "" }: TenantOptions = {}): this {
    return this.check(() => assertRow(this.#table.name, this.#table.rows(tenant), id, row));
  }

  thenNoRow(id: string, { tenant = "" }: TenantOptions = {}): this {
    return this.check(() => assertNoRow(this.#table.name, this.#table.rows(tenant), id));
  }

  thenRows(rows: readonly object[], { tenant = "" }: TenantOptions = {}): this {
    return this.check(() => assertRows(this.#table.name, [...this.#table.rows(tenant).values()], rows));
  }
}

/** The rows of one projector in memory, as stored: what does not survive storing fails here too. */
class Table {
  readonly #projector: ProjectorDefinition;
  /** By tenant, then by identity. */
  readonly #tenants = new Map<string, Map<string, StoredDocument>>();
  readonly #versions = new Map<string, number>();

  constructor(projector: ProjectorDefinition) {
    this.#projector = projector;
  }

  get name(): string {
    return this.#projector.projection[definition].name;
  }

  async see({ thing: event, options }: Item): Promise<void> {
    nameOf(event, "event");
    const { tenant = "" } = options;
    const documents = this.#documentsOf(tenant);
    const entry = { event: passedOn(event), metadata: this.#metadataOf(event, tenant, options) };
    const session = new RowSession(this.#projector, () => readerOf(documents), tenant, noTransaction);
    await session.prefetch([entry]);
    await session.apply(entry);
    for (const { id, data } of session.writes(false)) {
      if (data === null) documents.delete(id);
      else documents.set(id, { id, data, version: (documents.get(id)?.version ?? -1) + 1 });
    }
  }

  /** By identity, in its order. */
  rows(tenant: string): ReadonlyMap<string, object> {
    const sorted = [...this.#documentsOf(tenant).values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    const { projection } = this.#projector;
    return new Map(sorted.map(({ id, data }) => [id, restoreRow(projection, JSON.parse(data) as Values) as object]));
  }

  #documentsOf(tenant: string): Map<string, StoredDocument> {
    const known = this.#tenants.get(tenant) ?? new Map<string, StoredDocument>();
    this.#tenants.set(tenant, known);
    return known;
  }

  /** Without a domain nobody knows the aggregate: the event's identifier stands for its stream. */
  #metadataOf(event: object, tenant: string, { occurredAt }: SeedOptions): EventMetadata {
    const id = messageId(event);
    const [identifier] = shapeOf(event)?.identifiers ?? [];
    const streamId = identifier === undefined ? "" : String((event as Values)[identifier.name]);
    const stream = `${tenant}\0${streamId}`;
    const version = (this.#versions.get(stream) ?? -1) + 1;
    this.#versions.set(stream, version);
    const recordedAt = new Date();
    const about = {
      recordedAt,
      occurredAt: occurredAt ?? recordedAt,
      correlationId: id,
      causationId: null,
      extensions: {},
    };
    return { id, tenant, category: "", streamId, version, ...about };
  }
}

/** An event as it comes from the log. */
function passedOn(event: object): object {
  const wire = JSON.parse(JSON.stringify(encodeMessage(event))) as Values;
  return restoreMessage(event.constructor as unknown as EventClass<object>, wire, messageId(event));
}

function noTransaction(): never {
  throw transactionUnsupported("of a projector alone", "Give the scenario a domain on a store with SQL.");
}

function readerOf(documents: ReadonlyMap<string, StoredDocument>): DocumentReader {
  return {
    get: async (_collection, _tenant, ids) =>
      new Map(ids.flatMap((id) => (documents.has(id) ? [[id, documents.get(id) as StoredDocument] as const] : []))),
    find: async () => [...documents.values()], // projectors only get
    count: async () => documents.size,
  };
}
