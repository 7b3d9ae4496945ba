export interface InOrderOptions<T> {
  /** Items of one key are worked on one after the other, in the order in which they came. */
  readonly keyOf: (item: T) => string;
  readonly work: (item: T) => Promise<void>;
  /** How many items are worked on at once. */
  readonly limit: number;
  /** How many items are taken from the source before their turn; 16 times the limit if not given. */
  readonly lookAhead?: number;
  /** When it fires no further item is started; what runs is awaited. */
  readonly signal?: AbortSignal;
}

/** Works through a source with bounded concurrency. The first failure, of the work or the source, stops it, and is thrown once what runs has ended. */
export async function inOrderPerKey<T>(
  source: AsyncIterable<T> | Iterable<T>,
  options: InOrderOptions<T>,
): Promise<void> {
  const run = new InOrderRun(options);
  try {
    for await (const item of source) {
      run.offer(item);
      await run.room();
      if (run.stopped) break;
    }
  } catch (failure) {
    run.fail(failure);
  }
  await run.end();
}

class InOrderRun<T> {
  readonly #options: InOrderOptions<T>;
  readonly #lookAhead: number;
  /** The keys at work or ready, each with the items that wait for it. */
  readonly #waiting = new Map<string, T[]>();
  #ready: T[] = [];
  #running = 0;
  #held = 0;
  #failures: unknown[] = [];
  #wake: (() => void) | undefined;

  constructor(options: InOrderOptions<T>) {
    this.#options = options;
    this.#lookAhead = options.lookAhead ?? options.limit * 16;
  }

  get stopped(): boolean {
    return this.#failures.length > 0 || this.#options.signal?.aborted === true;
  }

  fail(failure: unknown): void {
    this.#failures.push(failure);
  }

  offer(item: T): void {
    const key = this.#options.keyOf(item);
    const queue = this.#waiting.get(key);
    this.#held += 1;
    if (queue !== undefined) {
      queue.push(item);
      return;
    }
    this.#waiting.set(key, []);
    this.#ready.push(item);
    this.#startReady();
  }

  async room(): Promise<void> {
    while (this.#held >= this.#lookAhead && !this.stopped) await this.#somethingEnded();
  }

  async end(): Promise<void> {
    while (this.#running > 0 || (this.#held > 0 && !this.stopped)) await this.#somethingEnded();
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  #somethingEnded(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #startReady(): void {
    while (this.#running < this.#options.limit && !this.stopped) {
      const item = this.#ready.shift();
      if (item === undefined) return;
      this.#running += 1;
      void this.#workOn(item);
    }
  }

  async #workOn(item: T): Promise<void> {
    try {
      await this.#options.work(item);
    } catch (failure) {
      this.fail(failure);
    }
    this.#running -= 1;
    this.#held -= 1;
    this.#releaseKey(this.#options.keyOf(item));
    this.#startReady();
    this.#wake?.();
  }

  #releaseKey(key: string): void {
    const next = this.#waiting.get(key)?.shift();
    if (next === undefined) this.#waiting.delete(key);
    else this.#ready.push(next);
  }
}
