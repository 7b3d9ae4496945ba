import { setTimeout as sleep } from "node:timers/promises";
import { isBusy } from "./faults.ts";

/** The pauses between attempts at a lock, in milliseconds; the last one repeats. */
const pauses = [1, 2, 5, 10, 20] as const;

/** The pause before the next attempt, in milliseconds, after so many failed ones. */
export function pauseAfter(attempts: number): number {
  return pauses[Math.min(attempts, pauses.length - 1)] ?? 20;
}

/** Repeats what fails because another connection holds the file, for at most `timeout` ms, leaving the thread free. */
export async function patiently<Result>(timeout: number, attempt: () => Result): Promise<Result> {
  const deadline = performance.now() + timeout;
  for (let attempts = 0; ; attempts++) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
    }
    await sleep(pauseAfter(attempts));
  }
}
