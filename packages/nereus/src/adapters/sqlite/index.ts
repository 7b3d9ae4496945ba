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
 */
export function sqlite(path: string, options: SqliteOptions = {}): Store {
  return new SqliteStore(path, options);
}
