import { type Duration, millisecondsOf } from "../model/duration.ts";
import { NereusError } from "../model/errors.ts";

export interface StopOptions {
  /** How long what is under way may take to end; then it is ended by force. Default: 10 seconds. */
  readonly within?: Duration | undefined;
}

/** Milliseconds that what was ended by force has to let go of what it holds. */
export const grace = 1000;

/** @throws NereusError OPTION_INVALID */
export function spanOfStop({ within = 10_000 }: StopOptions): number {
  const span = millisecondsOf(within);
  if (!Number.isNaN(span)) return span;
  throw new NereusError("OPTION_INVALID", "The option within is no span", {
    fix: "Give milliseconds, or { seconds: 30 }.",
  });
}

/** Whether something ends in time; what fails has ended. */
export async function endsWithin(work: Promise<unknown>, span: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), span);
  });
  const ended = work.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([ended, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** @param hanging what did not end: sentences */
export function stopForced(subject: string, span: number, hanging: readonly string[]): NereusError {
  const what = hanging.length === 0 ? "the store does not let go" : hanging.join("; ");
  return new NereusError("STOP_FORCED", `${subject} did not stop within ${span} ms: ${what}`, {
    element: subject,
    fix: "See why it hangs, or give it a time limit; what still ran was ended, and nothing of it is stored.",
  });
}
