import { isNereusError, NereusError } from "../model/errors.ts";
import type { CheckedClock } from "./checked-clock.ts";

/** By when something is to be done: at a moment, after a span in milliseconds, or whichever comes first. */
export interface Due {
  readonly deadline?: Date | undefined;
  readonly timeout?: number | undefined;
}

/** The clock may be another one than the machine's, so it is looked at this often at least, in milliseconds. */
const lookEvery = 1000;

/** The time that something has, from the moment at which it was asked for. */
export class TimeLimit {
  readonly #due: Due;
  readonly #clock: CheckedClock;
  readonly #until: number;

  /** Undefined where nothing says when. @throws NereusError CLOCK_INVALID */
  static of(due: Due, clock: CheckedClock): TimeLimit | undefined {
    return due.deadline === undefined && due.timeout === undefined ? undefined : new TimeLimit(due, clock);
  }

  private constructor(due: Due, clock: CheckedClock) {
    this.#due = due;
    this.#clock = clock;
    this.#until = due.timeout === undefined ? Number.POSITIVE_INFINITY : clock.elapsed() + due.timeout;
  }

  /** Milliseconds. @throws NereusError CLOCK_INVALID */
  get left(): number {
    const { deadline, timeout } = this.#due;
    const ofSpan = timeout === undefined ? Number.POSITIVE_INFINITY : this.#until - this.#clock.elapsed();
    return deadline === undefined ? ofSpan : Math.min(ofSpan, deadline.getTime() - this.#clock.now().getTime());
  }

  /** @throws NereusError DEADLINE_EXCEEDED */
  assertLeft(subject: string): void {
    if (this.left <= 0) throw this.exceeded(subject);
  }

  /** For errors: `before 2026-01-01T00:00:00.000Z`. */
  get text(): string {
    const { deadline, timeout } = this.#due;
    if (deadline === undefined) return `within ${timeout} ms`;
    const before = `before ${deadline.toISOString()}`;
    return Number.isFinite(timeout ?? Number.POSITIVE_INFINITY) ? `within ${timeout} ms and ${before}` : before;
  }

  /** @param where what it was at, as a sentence goes on */
  exceeded(subject: string, where = ""): NereusError {
    return new NereusError("DEADLINE_EXCEEDED", `${subject} was not handled ${this.text}${where}`, {
      element: subject,
      fix: "Send it again with more time if it is still wanted; nothing was stored.",
    });
  }

  /**
   * Calls back once when no time is left, with an error where the clock is out of order.
   *
   * @returns what ends the watch
   */
  watch(passed: (fault: unknown) => void): () => void {
    let timer: NodeJS.Timeout | undefined;
    const look = (): void => {
      try {
        const { left } = this;
        if (left <= 0) passed(undefined);
        else timer = setTimeout(look, Math.min(Math.ceil(left), lookEvery));
      } catch (fault) {
        passed(fault);
      }
    };
    look();
    return () => clearTimeout(timer);
  }

  /** Settles as the work does, or when no time is left with what is made of that. */
  bound<T>(work: Promise<T>, late: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = this.watch((fault) => reject(isNereusError(fault) ? fault : late()));
      work.then(resolve, reject).finally(end);
    });
  }
}
