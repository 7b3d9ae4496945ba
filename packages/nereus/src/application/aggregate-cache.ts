import type { AggregateRoot } from "../model/aggregate-root.ts";

/**
 * Aggregates as they were last saved, so that the next command needs no read. Bounded by number, least recently used
 * first out. An aggregate is taken out by one unit of work at a time, and put back only when that has succeeded.
 */
export class AggregateCache {
  readonly #most: number;
  readonly #entries = new Map<string, AggregateRoot>();

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
    if (this.#entries.size <= this.#most) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  clear(): void {
    this.#entries.clear();
  }
}
