import { NereusError } from "../model/errors.ts";
import type { Store } from "../ports/store.ts";

/** Refuses what would write, before anything of it runs. @throws NereusError STORE_READ_ONLY */
export function refuseReadOnly({ name, readOnly = false }: Store, call: string): void {
  if (!readOnly) return;
  throw new NereusError("STORE_READ_ONLY", `The store ${name} is for reading only: ${call} would write to it.`, {
    element: name,
    fix: "Send commands to a process whose store may write, and run the engine there; this one answers queries and views.",
  });
}
