import { AsyncLocalStorage } from "node:async_hooks";
import { useIdentitySource } from "../model/identity.ts";

/** Identities that are the same in every run, until they are restored. */
export interface FixedIdentities extends Disposable {
  /**
   * The identity that is made first, second, … : `nth(1)` is `00000000-0000-7000-8000-000000000001`.
   *
   * @param place from 1
   */
  nth(place: number): string;
  /** From now on identities are UUIDs again, as if these had never been. Again and again has no further effect. */
  restore(): void;
}

class Series implements FixedIdentities {
  #made = 0;
  isActive = true;

  next(): string {
    this.#made += 1;
    return this.nth(this.#made);
  }

  nth(place: number): string {
    return `00000000-0000-7000-8000-${String(place).padStart(12, "0")}`;
  }

  restore(): void {
    this.isActive = false;
    active.splice(0, active.length, ...active.filter((series) => series !== this));
    if (active.length === 0) useIdentitySource(undefined);
  }

  [Symbol.dispose](): void {
    this.restore();
  }
}

/** Of the asynchronous flow that asked for it, so that tests that run side by side have one each. */
const own = new AsyncLocalStorage<Series>();
/** For what no flow of its own: hooks that run before a test, for example. The last one counts. */
const active: Series[] = [];

/**
 * Makes identities predictable: those of aggregates and entities that are made without one, and those of messages, all of one
 * series in the order in which they are made.
 *
 * Called in a test, the series is that of the test and of all that it awaits, also while other tests of the process run, if they
 * call it as well. Called in a hook such as `beforeEach`, it is that of everything in the process: then run one test at a time.
 * Use it with a store of the test's own, which has not seen these identities.
 *
 * @example
 * test("a new branch", async () => {
 *   using ids = fixedIdentities();
 *   await given(Branch).when(() => new Branch({ name: "Main" })).thenState({ branchId: ids.nth(1) });
 * });
 */
export function fixedIdentities(): FixedIdentities {
  const series = new Series();
  active.push(series);
  own.enterWith(series);
  useIdentitySource(() => {
    const mine = own.getStore();
    return (mine?.isActive === true ? mine : active.at(-1))?.next();
  });
  return series;
}
