import type { StoredMessage } from "../log/message.ts";
import { type AggregateClass, AggregateRoot } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import { isStorable } from "../model/identity.ts";
import type { ProjectionClass } from "../model/projection.ts";
import type { StoredDocument } from "../ports/store.ts";
import { DocumentFinder } from "./document-query.ts";
import { storedMetadata } from "./event-metadata.ts";
import type { HistoryEntry, PastOptions } from "./history.ts";
import { pagesOf, streamOf } from "./loading.ts";
import { absent, loadPast } from "./past.ts";
import { viewIn } from "./projection-views.ts";
import type { Runtime } from "./registry.ts";
import type { AnyRepository } from "./repository.ts";
import type { Page, PageSelection, Selection, Where } from "./selection.ts";
import type { UnitOfWork } from "./unit-of-work.ts";
import type { View } from "./view.ts";

/** The repository of one aggregate within one unit of work. Types tell state-stored and event-sourced ones apart. */
export class UnitRepository implements AnyRepository {
  readonly #runtime: Runtime;
  readonly #aggregate: AggregateClass;
  readonly #unit: UnitOfWork;
  readonly #readOnly: boolean;

  constructor(runtime: Runtime, aggregate: AggregateClass, unit: UnitOfWork, readOnly: boolean) {
    this.#runtime = runtime;
    this.#aggregate = aggregate;
    this.#unit = unit;
    this.#readOnly = readOnly;
  }

  async get(id: string, past?: PastOptions): Promise<object> {
    const stream = streamOf(this.#aggregate, this.#unit.cause.tenant, id);
    if (past !== undefined) {
      this.#assertEventSourced("load a past state");
      return loadPast(this.#unit.reads.log, this.#aggregate, stream, past);
    }
    const found = await this.#unit.load(this.#aggregate, id, false);
    if (found === undefined) throw absent(stream);
    return found;
  }

  async find(id: string): Promise<object | undefined> {
    return this.#unit.load(this.#aggregate, id, false);
  }

  async exists(id: string): Promise<boolean> {
    return (await this.#unit.load(this.#aggregate, id, false)) !== undefined;
  }

  async *history(id: string): AsyncIterable<HistoryEntry> {
    this.#assertEventSourced("read a history");
    const stream = streamOf(this.#aggregate, this.#unit.cause.tenant, id);
    if (!isStorable(id)) throw absent(stream);
    let any = false;
    for await (const messages of pagesOf(this.#unit.reads.log, stream)) {
      any = true;
      for (const message of messages) yield this.#entry(message);
    }
    if (!any) throw absent(stream);
  }

  async query(selection: Selection<object> = {}): Promise<object[]> {
    return this.#found(await this.#finder().find(selection));
  }

  async page(selection: PageSelection<object>): Promise<Page<object>> {
    const { documents, next } = await this.#finder().page(selection);
    return { items: this.#found(documents), next };
  }

  async count(where?: Where<object>): Promise<number> {
    return this.#finder().count(where ?? {});
  }

  async add(aggregate: object): Promise<void> {
    this.#unit.add(this.#writable(aggregate, "add"));
  }

  async remove(aggregate: object): Promise<void> {
    const root = this.#writable(aggregate, "remove");
    this.#assertStateStored("remove it");
    this.#unit.remove(root);
  }

  view<Row extends object>(projection: ProjectionClass<Row>): View<Row> {
    return viewIn(this.#runtime, projection, this.#unit.cause.tenant, this.#unit.writing);
  }

  #found(documents: readonly StoredDocument[]): object[] {
    return documents.flatMap((document) => this.#unit.found(this.#aggregate, document) ?? []);
  }

  #finder(): DocumentFinder {
    this.#assertStateStored("query it by its fields");
    const { name, shape } = this.#aggregate[definition];
    return new DocumentFinder(shape, name, this.#unit.reads.documents, this.#unit.cause.tenant);
  }

  #writable(aggregate: object, method: string): AggregateRoot {
    const { name } = this.#aggregate[definition];
    if (this.#readOnly) {
      throw new NereusError("READ_ONLY_CONTEXT", `A query handler cannot ${method} an aggregate`, {
        element: name,
        fix: "Send a command.",
      });
    }
    if (aggregate instanceof AggregateRoot && this.#isOwn(aggregate)) return aggregate;
    throw new NereusError("VALIDATION_FAILED", `repository(${name}).${method} takes an instance of ${name}`, {
      element: name,
      fix: "Pass the aggregate itself.",
    });
  }

  #isOwn(aggregate: object): boolean {
    return (aggregate.constructor as unknown as AggregateClass)[definition] === this.#aggregate[definition];
  }

  #entry(message: StoredMessage): HistoryEntry {
    const { id, type, position, version } = message;
    const { recordedAt, occurredAt, correlationId, causationId, extensions } = storedMetadata(message);
    return {
      version,
      event: this.#runtime.registry.events.restore(message, id),
      metadata: { id, type, position, recordedAt, occurredAt, correlationId, causationId, extensions },
    };
  }

  #assertEventSourced(what: string): void {
    const { eventSourced, name } = this.#aggregate[definition];
    if (eventSourced) return;
    throw new NereusError("AGGREGATE_NOT_EVENT_SOURCED", `${name} is state-stored: one cannot ${what} of it`, {
      element: name,
      fix: "Make it an EventSourcedAggregate, or keep what you need in a projection.",
    });
  }
  /** For callers without types. */
  #assertStateStored(what: string): void {
    const { eventSourced, name } = this.#aggregate[definition];
    if (!eventSourced) return;
    throw new NereusError("AGGREGATE_NOT_STATE_STORED", `${name} is event-sourced: one cannot ${what}`, {
      element: name,
      fix: "Let a projection show what you look for, and an event say that it has ended.",
    });
  }
}
