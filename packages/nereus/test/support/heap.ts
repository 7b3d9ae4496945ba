import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void; // as the flag gives it

/** Bytes of what is held in memory. */
export function heap(): number {
  collect();
  collect();
  return getHeapStatistics().used_heap_size;
}
