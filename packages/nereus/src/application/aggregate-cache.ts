import type { AggregateRoot } from "../model/aggregate-root.ts";

/**
 * Aggregates as they were last saved, so that the next command needs no read. Bounded by number, least recently used
 * first out. An aggregate is taken out by one unit of work at a time, and put back only when that has succeeded.
 */
export class AggregateCache {
  readonly #most: number;
  readonly #entries = new Map<string, AggregateRoot>();
  #oldestFirst = this.#entries.keys();

  /** @param most how many aggregates to keep; 0 keeps none */
  constructor(most: number) {
    this.#most = most;
  }

  take(key: string): AggregateRoot | undefined {
    const found = this.#entries.get(key);
    if (found !== undefined) this.#entries.delete(key);
    return found;
  }

  put(key: string, root: AggregateRoot): void {
    if (this.#most === 0) return;
    const known = this.#entries.get(key);
    if (known !== undefined && known.version > root.version) return;
    this.#entries.delete(key);
    this.#entries.set(key, root);
    if (this.#entries.size > this.#most) this.#dropOldest();
  }

  /** Goes on where it stopped: a new iterator would walk over the gaps of all entries that were dropped before. */
  #dropOldest(): void {
    let next = this.#oldestFirst.next();
    if (next.done === true) {
      this.#oldestFirst = this.#entries.keys();
      next = this.#oldestFirst.next();
    }
    if (next.done !== true) this.#entries.delete(next.value);
  }

  clear(): void {
    this.#entries.clear();
  }
}
