import { derivedId } from "../log/derived-id.ts";
import { payloadOf, serialise } from "../log/event-types.ts";
import type { StoredMessage, StreamId } from "../log/message.ts";
import { type AggregateClass, AggregateRoot, definitionOfRoot } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import { restoreSnapshot } from "../model/restoring.ts";
import type { Values } from "../model/values.ts";
import type { Append, LogReader, Store } from "../ports/store.ts";
import type { Clock, Log } from "./context.ts";
import { assertSizes, type SizeLimits } from "./size-limits.ts";

/** The payload of a snapshot: the state of an aggregate after one of its events. */
interface Snapshot {
  /** The version of that event. */
  readonly version: number;
  /** Its id: a log that went back may have another event with this version, or none. */
  readonly event: string;
  /** What made the state: a snapshot that another shape, or other handlers, made is of no use. */
  readonly shape: string;
  readonly state: Values;
}

/** How many snapshots are looked through for one that fits: while two releases run side by side, each keeps its own. */
const lookedThrough = 10;
/** How many may wait to be written, and of how many characters; any more are left out, since the events are there. */
const mostWaiting = { snapshots: 1000, characters: 32_000_000 };

/**
 * Snapshots of event-sourced aggregates that ask for them (`snapshotEvery`): the states that they had, in a stream of kind `snapshot` beside
 * their events. They spare work and decide nothing: one that does not fit, or cannot be written, is done without. The one that is known by the
 * hash of the shape that made it is Equinox's idea; the stream is where Message DB's clients have it.
 */
export class Snapshots {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limits: SizeLimits;
  readonly #shapeOf: (aggregate: AggregateClass) => string;
  readonly #shapes = new Map<string, string>();
  /** By stream, so that of one aggregate only the latest waits. */
  readonly #waiting = new Map<string, Append>();
  #waitingCharacters = 0;
  #writing: Promise<void> | undefined;

  /** @param shapeOf a text that differs where the same events could make another state */
  constructor(
    settings: { readonly store: Store; readonly clock: Clock; readonly log: Log; readonly limits: SizeLimits },
    shapeOf: (aggregate: AggregateClass) => string,
  ) {
    this.#store = settings.store;
    this.#clock = settings.clock;
    this.#log = settings.log;
    this.#limits = settings.limits;
    this.#shapeOf = shapeOf;
  }

  /**
   * The aggregate as of its latest snapshot that fits, if there is one.
   *
   * @param stream that of its events
   */
  async latest(aggregate: AggregateClass, stream: StreamId, log: LogReader): Promise<AggregateRoot | undefined> {
    const kept: StreamId = { ...stream, kind: "snapshot" };
    const newest = await log.readStream(kept, { direction: "backwards", limit: 1 });
    const found = this.#firstThatFits(aggregate, newest);
    const from = (newest[0]?.version ?? 0) - 1;
    if (found !== undefined || from < 0) return found;
    const older = await log.readStream(kept, { from, direction: "backwards", limit: lookedThrough - 1 });
    return this.#firstThatFits(aggregate, older);
  }

  #firstThatFits(aggregate: AggregateClass, messages: readonly StoredMessage[]): AggregateRoot | undefined {
    for (const message of messages) {
      if (message.type !== typeOf(aggregate[definition].name)) continue;
      const restored = this.#restored(aggregate, message);
      if (restored !== undefined) return restored;
    }
    return undefined;
  }

  #restored(aggregate: AggregateClass, message: StoredMessage): AggregateRoot | undefined {
    try {
      const { version, event, shape, state } = payloadOf(message) as unknown as Snapshot; // what keep has written
      if (event === undefined || shape !== this.#shape(aggregate)) return undefined; // earlier releases named no event
      return restoreSnapshot(aggregate, state, { version, id: event });
    } catch (error) {
      const { category, id } = message.stream;
      this.#log.warn(`A snapshot of ${category} ${id} cannot be read: its events are, instead`, error);
      return undefined;
    }
  }

  /**
   * Writes the state of an aggregate, soon: nobody waits for it.
   *
   * @param root as it is stored: nothing is pending
   */
  keep(root: AggregateRoot, stream: StreamId): void {
    if (this.#store.readOnly === true) return;
    const event = AggregateRoot.seams.lastMessage(root);
    if (event === undefined) return; // of a store whose replays name none
    const key = JSON.stringify([stream.tenant, stream.category, stream.id]);
    if (this.#isFull && !this.#waiting.has(key)) return;
    try {
      const append = this.#appendOf(root, event, stream);
      assertSizes(this.#limits, stream.category, { appends: [append] });
      this.#drop(key);
      this.#waiting.set(key, append);
      this.#waitingCharacters += lengthOf(append);
    } catch (error) {
      this.#log.warn(`No snapshot of ${stream.category} ${stream.id} can be made: its state cannot be stored`, error);
      return;
    }
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  /** When all are written, or given up. */
  async written(): Promise<void> {
    await this.#writing;
  }

  #appendOf(root: AggregateRoot, event: string, stream: StreamId): Append {
    const { name } = definitionOfRoot(root);
    const { version } = root;
    const shape = this.#shape(root.constructor as unknown as AggregateClass);
    const kept: StreamId = { ...stream, kind: "snapshot" };
    // two processes that make the same one write it once
    const id = derivedId("snapshot", stream.tenant, stream.category, stream.id, String(version), event, shape);
    const now = this.#clock.now().getTime();
    const snapshot = { version, event, shape, state: root.toJSON() } satisfies Snapshot;
    const message = serialise(id, typeOf(name), 1, snapshot, {
      recordedAt: now,
      occurredAt: now,
      correlationId: id,
      causationId: null,
      traceparent: null,
      extensions: null,
    });
    return { stream: kept, expectedVersion: "any", messages: [message] };
  }

  async #write(): Promise<void> {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      try {
        await this.#store.commit({ appends: [next] });
      } catch (error) {
        const { category, id } = next.stream;
        this.#log.warn(`A snapshot of ${category} ${id} was not written: more of its events will be read`, error);
      }
    }
  }

  #next(): Append | undefined {
    const [first] = this.#waiting;
    if (first !== undefined) this.#drop(first[0]);
    return first?.[1];
  }

  get #isFull(): boolean {
    return this.#waiting.size >= mostWaiting.snapshots || this.#waitingCharacters >= mostWaiting.characters;
  }

  #drop(key: string): void {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) this.#waitingCharacters -= lengthOf(waiting);
    this.#waiting.delete(key);
  }

  #shape(aggregate: AggregateClass): string {
    const { name } = aggregate[definition];
    const known = this.#shapes.get(name) ?? this.#shapeOf(aggregate);
    this.#shapes.set(name, known);
    return known;
  }
}

function lengthOf({ messages }: Append): number {
  return messages.reduce((length, { data }) => length + data.length, 0);
}

function typeOf(aggregate: string): string {
  return `${aggregate}Snapshot`;
}
