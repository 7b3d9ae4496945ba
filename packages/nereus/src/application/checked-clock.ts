import { isDate } from "node:util/types";
import { NereusError } from "../model/errors.ts";
import type { Clock } from "./context.ts";

/** The years that have four digits in every store and text. */
const first = Date.parse("0001-01-01T00:00:00Z");
const last = Date.parse("9999-12-31T23:59:59.999Z");

/** Tells the time of a clock that was handed in, or says what is wrong with it. */
export class CheckedClock implements Clock {
  readonly #clock: Clock;
  readonly #isSystems: boolean;

  /** @param clock default: the system's */
  constructor(clock: Clock | undefined) {
    this.#isSystems = clock === undefined;
    this.#clock = clock ?? { now: () => new Date() };
  }

  /**
   * Milliseconds since some moment: for spans. By the system's clock they do not depend on its being set; by one that was handed in they are
   * what that shows, so that a test moves it.
   *
   * @throws NereusError CLOCK_INVALID
   */
  elapsed(): number {
    return this.#isSystems ? performance.now() : this.now().getTime();
  }

  /** @throws NereusError CLOCK_INVALID */
  now(): Date {
    if (this.#isSystems) return new Date();
    let now: unknown;
    try {
      now = this.#clock.now();
    } catch (cause) {
      throw invalid("threw an error", cause);
    }
    if (!isDate(now)) throw invalid(`answered ${describe(now)}, which is no Date`);
    const time = now.getTime();
    if (Number.isNaN(time)) throw invalid("answered an invalid Date");
    if (time < first || time > last) throw invalid(`answered ${now.toISOString()}, outside the years 1 to 9999`);
    return now;
  }
}

function describe(value: unknown): string {
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

function invalid(what: string, cause?: unknown): NereusError {
  return new NereusError("CLOCK_INVALID", `The domain's clock ${what}`, {
    fix: "Let clock.now() return a new Date of the years 1 to 9999 each time; nothing was stored.",
    ...(cause === undefined ? {} : { cause }),
  });
}
