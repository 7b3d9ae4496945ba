import type { Clock } from "../application/context.ts";
import type { Duration } from "../model/duration.ts";

/** A clock that stands still until it is moved. */
export interface FakeClock extends Clock {
  /** Moves on by a span. */
  advance(by: Duration): void;
  /** Moves to a moment, forwards or backwards. */
  set(moment: Date): void;
}

/**
 * A clock for tests: hand it to the domain, and events are recorded at the time that it shows.
 *
 * @param start where it stands first; default: 2026-01-01T00:00:00Z
 * @example
 * const clock = fakeClock(new Date("2026-03-15T09:00:00Z"));
 * const bank = new Domain("bank", { elements, store: memory(), clock });
 * clock.advance({ minutes: 5 });
 */
export function fakeClock(start: Date = new Date("2026-01-01T00:00:00Z")): FakeClock {
  let now = start.getTime();
  return {
    now: () => new Date(now),
    set: (moment) => {
      now = moment.getTime();
    },
    advance: (by) => {
      const {
        days = 0,
        hours = 0,
        minutes = 0,
        seconds = 0,
        milliseconds = 0,
      } = typeof by === "number" ? { milliseconds: by } : by;
      now += (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + milliseconds;
    },
  };
}
