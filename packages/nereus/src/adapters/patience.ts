import { setTimeout } from "node:timers";
import { isPassing } from "./server-answers.ts";

/** The longest pause between two attempts, in milliseconds. */
const longestPause = 250;
/** What an attempt waits for by itself ends before it counts as one without an answer, in milliseconds. */
const grace = 100;

/**
 * Tries until it works, fails for a reason that does not pass, or has failed for so many milliseconds; with 0, once.
 *
 * @param work gets the milliseconds that are left, unless it is tried once
 */
export async function patiently<Result>(
  patience: number,
  work: (left?: number) => Promise<Result>,
  hasEnded: () => boolean = () => false,
): Promise<Result> {
  if (patience === 0) return work();
  const until = performance.now() + patience;
  for (let pause = 5; ; pause = Math.min(pause * 2, longestPause)) {
    try {
      const left = Math.max(until - performance.now(), 1);
      return await inTime(left + grace, () => work(left));
    } catch (error) {
      const left = until - performance.now();
      if (!isPassing(error) || left <= 0 || hasEnded()) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.min(pause, left)));
    }
  }
}

/** A server that does not even refuse may keep an attempt waiting for minutes. */
function inTime<Result>(left: number, work: () => Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("the server does not answer")), left);
    void work()
      .then(resolve, reject)
      .finally(() => clearTimeout(late));
  });
}
