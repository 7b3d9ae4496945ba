import type { AggregateRoot } from "../model/aggregate-root.ts";

/** What is known of an aggregate's size, in characters of its JSON. */
interface Weight {
  size: number;
  /** What it may have grown by since it was measured. */
  growth: number;
  version: number;
}

/** Characters that an event counts as which another process has written. */
const unseenEvent = 256;
/** Characters that any aggregate takes at least. */
const leastSize = 256;

/**
 * Aggregates as they were last saved, so that the next command needs no read. Bounded by number and by size, least recently
 * used first out. An aggregate is taken out by one unit of work at a time, and put back only when that has succeeded.
 */
export class AggregateCache {
  readonly #most: number;
  readonly #mostSize: number;
  readonly #entries = new Map<string, AggregateRoot>();
  readonly #weights = new WeakMap<AggregateRoot, Weight>();
  #size = 0;
  #oldestFirst = this.#entries.keys();

  /**
   * @param most how many aggregates to keep; 0 keeps none
   * @param mostSize how many characters of JSON they may come to together
   */
  constructor(most: number, mostSize: number = Number.POSITIVE_INFINITY) {
    this.#most = most;
    this.#mostSize = mostSize;
  }

  take(key: string): AggregateRoot | undefined {
    const found = this.#entries.get(key);
    if (found !== undefined) this.#delete(key, found);
    return found;
  }

  /**
   * @param written how many characters of events were stored with it
   * @param base the version that it had before those
   */
  put(key: string, root: AggregateRoot, written = 0, base: number = root.version): void {
    if (this.#most === 0) return;
    const known = this.#entries.get(key);
    if (known !== undefined && known.version > root.version) return;
    if (known !== undefined) this.#delete(key, known);
    this.#entries.set(key, root);
    this.#size += this.#weigh(root, written, base);
    while (this.#entries.size > this.#most || (this.#size > this.#mostSize && this.#entries.size > 0)) {
      this.#dropOldest();
    }
  }

  /** Measures an aggregate when it is new here, and when it may have doubled since: so what is measured is no more than what was stored. */
  #weigh(root: AggregateRoot, written: number, base: number): number {
    const known = this.#weights.get(root);
    const { version } = root;
    if (known === undefined) {
      const weight = { size: sizeOf(root), growth: 0, version };
      this.#weights.set(root, weight);
      return weight.size;
    }
    known.growth += written + unseenEvent * (base - known.version);
    known.version = version;
    if (known.growth <= known.size) return known.size;
    known.size = sizeOf(root);
    known.growth = 0;
    return known.size;
  }

  #delete(key: string, root: AggregateRoot): void {
    this.#entries.delete(key);
    this.#size -= this.#weights.get(root)?.size ?? 0;
  }

  /** Goes on where it stopped: a new iterator would walk over the gaps of all entries that were dropped before. */
  #dropOldest(): void {
    let next = this.#oldestFirst.next();
    if (next.done === true) {
      this.#oldestFirst = this.#entries.keys();
      next = this.#oldestFirst.next();
    }
    if (next.done === true) return;
    const root = this.#entries.get(next.value);
    if (root !== undefined) this.#delete(next.value, root);
  }

  clear(): void {
    this.#entries.clear();
    this.#size = 0;
  }
}

function sizeOf(root: AggregateRoot): number {
  try {
    return leastSize + JSON.stringify(root).length;
  } catch {
    return leastSize; // a state that has no JSON form: its events tell when to look again
  }
}
