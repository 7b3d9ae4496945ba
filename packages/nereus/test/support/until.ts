import { setTimeout } from "node:timers/promises";

/** Waits for something that an engine brings about; gives up after some seconds, and says what it waited for. */
export async function until(holds: () => unknown, seconds = 10): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`it never came to ${holds}`);
    await setTimeout(5);
  }
}
