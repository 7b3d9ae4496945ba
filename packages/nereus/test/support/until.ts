import { setTimeout } from "node:timers/promises";

/** Waits for something that an engine brings about; gives up before the limit of a test, and says what it waited for. */
export async function until(holds: () => unknown): Promise<void> {
  const end = performance.now() + 50_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`it never came to ${holds}`);
    await setTimeout(5);
  }
}
