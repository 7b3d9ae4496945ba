import { millisecondsOf } from "../../model/duration.ts";
import { NereusError } from "../../model/errors.ts";
import type { Store } from "../../ports/store.ts";
import type { SqliteOptions } from "./connection.ts";
import { SqliteStore } from "./store.ts";

export type { SqliteOptions } from "./connection.ts";

/**
 * A durable store in one SQLite file, with nothing to install: SQLite is part of Node (from 22.13). Concurrent commits
 * of a process share a transaction; other processes may use the same file at the same time.
 *
 * The file can be read with any SQLite tool: the view `nereus_log` shows the messages, and each projection and
 * state-stored aggregate has a table of its own name, with a column for each field.
 *
 * @param path The file, made when it is not there (its folder must be), or `":memory:"` for one that ends with the store.
 * @example
 * const bank = new Domain("bank", { store: sqlite("bank.db"), elements });
 * @throws NereusError OPTION_INVALID
 */
export function sqlite(path: string, options: SqliteOptions = {}): Store {
  const fault = faultIn(path, options);
  if (fault !== undefined) {
    throw new NereusError("OPTION_INVALID", `A SQLite store cannot be made: ${fault}`, {
      fix: 'Write sqlite("bank.db") or sqlite(":memory:"), with { synchronous: "FULL" | "NORMAL", busyTimeout } if need be.',
    });
  }
  return new SqliteStore(path, options);
}

/** SQLite itself would take an empty path for a database that is gone when it is closed. */
function faultIn(path: unknown, options: object): string | undefined {
  if (typeof path !== "string" || path.trim() === "") return `the path is ${JSON.stringify(path)}`;
  if (typeof options !== "object" || options === null) return "the options are not an object";
  const { synchronous = "FULL", busyTimeout = 0, ...unknown } = options as Record<string, unknown>;
  const [name] = Object.keys(unknown);
  if (name !== undefined) return `there is no option ${name}`;
  if (synchronous !== "FULL" && synchronous !== "NORMAL") return `synchronous is ${String(synchronous)}`;
  if (Number.isNaN(millisecondsOf(busyTimeout))) return `busyTimeout is ${String(busyTimeout)}`;
  return undefined;
}
