import type { NereusError } from "../model/errors.ts";

/** Something that was begun, and that a stop waits for. */
export interface Activity {
  /** What it is, and since when it does what: `Withdraw with Account 576: its handler has run for 12 s`. */
  describe(): string;
  /** Ends it from outside: whoever waits for it gets the error. */
  abort(error: NereusError): void;
}

/** What is under way: to be waited for, reported, and ended. */
export class UnderWay {
  readonly #all = new Set<Activity>();
  #idle: (() => void)[] = [];

  add(activity: Activity): void {
    this.#all.add(activity);
  }

  delete(activity: Activity): void {
    this.#all.delete(activity);
    if (this.#all.size === 0 && this.#idle.length > 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Settles when nothing is under way. */
  idle(): Promise<void> {
    if (this.#all.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  get descriptions(): readonly string[] {
    return [...this.#all].map((activity) => activity.describe());
  }

  abortAll(error: NereusError): void {
    for (const activity of [...this.#all]) activity.abort(error);
  }

  [Symbol.iterator](): Iterator<Activity> {
    return this.#all.values();
  }

  /** Does something that a stop waits for, and may end. */
  during<T>(what: string, work: () => Promise<T>): Promise<T> {
    const since = performance.now();
    return new Promise((resolve, reject) => {
      const activity: Activity = {
        describe: () => `${what} has run for ${secondsSince(since)}`,
        abort: (error) => {
          this.delete(activity);
          reject(error);
        },
      };
      this.add(activity);
      work()
        .then(resolve, reject)
        .finally(() => this.delete(activity));
    });
  }
}

/** For reports: `12 s`. @param since as `performance.now()` told it */
export function secondsSince(since: number): string {
  const seconds = (performance.now() - since) / 1000;
  return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}
