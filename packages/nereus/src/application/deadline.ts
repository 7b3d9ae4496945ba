import { NereusError } from "../model/errors.ts";
import type { Clock } from "./context.ts";

/** What may have to be done before a moment. */
export interface Due {
  readonly name: string;
  /** What is to be done, for errors: `Withdraw`. */
  readonly subject: string;
  readonly target?: { readonly id: string } | undefined;
  readonly deadline?: Date | undefined;
}

/** The clock may be another one than the machine's, so it is looked at this often at least, in milliseconds. */
const lookEvery = 1000;

/** @throws NereusError DEADLINE_EXCEEDED */
export function assertInTime(due: Due, clock: Clock): void {
  if (due.deadline !== undefined && due.deadline.getTime() <= clock.now().getTime()) throw tooLate(due, due.deadline);
}

/** Tells while something waits that its deadline has passed. */
export class DeadlineWatch {
  /** Rejects with DEADLINE_EXCEEDED when the deadline passes; never settles otherwise. */
  readonly passed: Promise<never>;
  #timer: NodeJS.Timeout | undefined;

  constructor(due: Due, clock: Clock) {
    this.passed = new Promise((_, reject) => {
      const look = (): void => {
        const left = (due.deadline?.getTime() ?? Number.POSITIVE_INFINITY) - clock.now().getTime();
        if (left <= 0) reject(tooLate(due, due.deadline));
        else this.#timer = setTimeout(look, Math.min(left, lookEvery));
      };
      look();
    });
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

function tooLate({ subject }: Due, deadline: Date | undefined): NereusError {
  return new NereusError("DEADLINE_EXCEEDED", `${subject} was not handled before ${deadline?.toISOString()}`, {
    element: subject,
    fix: "Send it again with a later deadline if it is still wanted.",
  });
}
