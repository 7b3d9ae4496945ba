import { setTimeout } from "node:timers/promises";

/** Waits for something that an engine brings about; gives up after some seconds, and says what it waited for. */
export async function until(holds: () => unknown): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`it never came to ${holds}`);
    await setTimeout(5);
  }
}
