import type { StoredMessage } from "../log/message.ts";
import { type AggregateClass, AggregateRoot } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import { isStorable } from "../model/identity.ts";
import { pagesOf, streamOf } from "./loading.ts";
import { absent, loadPast } from "./past.ts";
import type { Runtime } from "./registry.ts";
import type { HistoryEntry, PastOptions, Repository } from "./repository.ts";
import type { UnitOfWork } from "./unit-of-work.ts";

/** The repository of one aggregate within one unit of work. */
export class UnitRepository implements Repository<object> {
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
      return loadPast(this.#runtime.store.log, this.#aggregate, stream, past);
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
    for await (const messages of pagesOf(this.#runtime.store.log, stream)) {
      any = true;
      for (const message of messages) yield this.#entry(message);
    }
    if (!any) throw absent(stream);
  }

  async add(aggregate: object): Promise<void> {
    if (this.#readOnly) {
      throw new NereusError("READ_ONLY_CONTEXT", "A query handler cannot save an aggregate", {
        element: this.#aggregate[definition].name,
        fix: "Send a command.",
      });
    }
    if (!(aggregate instanceof AggregateRoot) || this.#foreign(aggregate)) {
      const { name } = this.#aggregate[definition];
      throw new NereusError("VALIDATION_FAILED", `repository(${name}).add takes an instance of ${name}`, {
        element: name,
        fix: `Pass the aggregate itself.`,
      });
    }
    this.#unit.add(aggregate);
  }

  #foreign(aggregate: object): boolean {
    return (aggregate.constructor as unknown as AggregateClass)[definition] !== this.#aggregate[definition];
  }

  #entry(message: StoredMessage): HistoryEntry {
    const { id, type, position, version, recordedAt, occurredAt, correlationId, causationId, extensions } = message;
    return {
      version,
      event: this.#runtime.registry.events.restore(message, id),
      metadata: {
        id,
        type,
        position,
        recordedAt: new Date(recordedAt),
        occurredAt: new Date(occurredAt),
        correlationId,
        causationId,
        extensions: extensions === null ? {} : (JSON.parse(extensions) as Record<string, unknown>),
      },
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
}
