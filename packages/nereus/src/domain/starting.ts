import type { Log } from "../application/context.ts";
import type { Registry } from "../application/registry.ts";
import { secondsSince } from "../application/under-way.ts";
import { endsWithin, grace, stopForced } from "../engine/stopping.ts";
import type { NereusError } from "../model/errors.ts";
import type { Store } from "../ports/store.ts";
import { leaveStore } from "./store-use.ts";

/** Milliseconds after which a start is reported that has not ended. */
const longStart = 10_000;

/** What is started. */
export interface Beginner {
  readonly name: string;
  readonly registry: Registry;
  readonly store: Store;
  readonly log: Log;
}

/** A start that is under way. A store may never answer: then a stop leaves the start behind, and whoever waits for it is told. */
export class Starting {
  readonly #of: Beginner;
  readonly #since = performance.now();
  #doing = "";
  #left: NereusError | undefined;
  #reject: ((error: NereusError) => void) | undefined;

  constructor(of: Beginner) {
    this.#of = of;
  }

  /** For reports: `its start has run for 12 s: the store sqlite bank.db has not answered`. */
  describe(): string {
    return `its start has run for ${secondsSince(this.#since)}: ${this.#doing}`;
  }

  /** Settles as the work does, or when it is left behind. What fails, or comes to its end later, leaves the store closed. */
  until<T>(doing: string, work: Promise<T>): Promise<T> {
    this.#doing = doing;
    const { name, log } = this.#of;
    const report = setTimeout(() => log.warn(`Domain ${name}: ${this.describe()}`), longStart);
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      const failed = (error: unknown): Promise<void> => this.#close().then(() => reject(error));
      work
        .then((done) => (this.#left === undefined ? resolve(done) : failed(this.#left)), failed)
        .finally(() => {
          clearTimeout(report);
        });
    });
  }

  /** A store that was left is not used any more. @throws NereusError that of the stop */
  assertAwaited(): void {
    if (this.#left !== undefined) throw this.#left;
  }

  /**
   * For a stop that has waited so long: nobody waits for the start any more.
   *
   * @param end of the start
   * @throws NereusError STOP_FORCED
   */
  async leave(end: Promise<unknown>, span: number): Promise<never> {
    const error = stopForced(`Domain ${this.#of.name}`, span, [this.describe()]);
    this.#left = error;
    void this.#close({ atOnce: true });
    this.#reject?.(error);
    await endsWithin(end, grace);
    throw error;
  }

  /** A store that does not let go is not waited for; why the start failed says more than why the store does not close. */
  async #close(options?: { readonly atOnce: boolean }): Promise<void> {
    const { store, registry } = this.#of;
    if (!(await endsWithin(leaveStore(store, registry, options), longStart))) {
      await endsWithin(leaveStore(store, registry, { atOnce: true }), grace);
    }
  }
}
