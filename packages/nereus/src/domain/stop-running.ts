import { endsWithin, grace, stopForced } from "../engine/stopping.ts";
import type { Store } from "../ports/store.ts";
import type { Running } from "./running.ts";
import { leaveStore } from "./store-use.ts";

/**
 * Lets what is under way end, and closes the store; by force when the span is over.
 *
 * @throws NereusError STOP_FORCED when everything is ended
 */
export async function stopRunning(running: Running, span: number): Promise<void> {
  const { work, runners, runtime } = running;
  const ending = end(running);
  if (await endsWithin(ending, span)) return ending;
  const hanging = [...work.underWay.descriptions, ...running.engines.flatMap((engine) => engine.hanging)];
  const error = stopForced(`Domain ${runtime.registry.domain}`, span, hanging);
  work.underWay.abortAll(error);
  for (const engine of running.engines) void engine.retire();
  for (const runner of runners) runner.abort(error);
  if (!(await endsWithin(ending, grace))) await endsWithin(leave(running, { atOnce: true }), grace);
  throw error;
}

async function end(running: Running): Promise<void> {
  const { work, engines, runtime, inline } = running;
  try {
    await work.underWay.idle();
    for (const engine of engines) await engine.retire();
    await inline.stop();
    await runtime.snapshots.written();
  } finally {
    await leave(running);
  }
}

function leave({ runtime: { store, registry } }: Running, options?: Parameters<Store["close"]>[0]): Promise<void> {
  return leaveStore(store, registry, options);
}
