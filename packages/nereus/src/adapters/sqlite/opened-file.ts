import { statSync } from "node:fs";
import { resolve } from "node:path";
import { NereusError } from "../../model/errors.ts";
import type { Connection } from "./connection.ts";

/** How long what was found of the files is trusted, in milliseconds. */
const trusted = 50;

interface Watched {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
}

/**
 * The files behind an open database, as they were when it was opened. SQLite goes on with files that nobody finds any more: what it then says to have
 * written is lost. Once something else was found in their place, the store answers nothing until it is opened anew.
 */
export class OpenedFile {
  readonly #path: string;
  readonly #main: Watched | undefined;
  /** The write-ahead log holds commits that are not in the file yet. */
  readonly #log: Watched | undefined;
  #fault: NereusError | undefined;
  #checked = 0;
  #head = 0;
  #given = 0;

  /** @param connection after its first read, which makes the files beside it */
  constructor(connection: Connection) {
    this.#path = connection.path;
    const file = fileOf(connection);
    if (file === "") return; // in memory
    this.#main = watched(connection.path.startsWith("file:") ? file : resolve(connection.path));
    this.#log = watched(`${file}-wal`);
  }

  /**
   * Looks at the files, if that was not done a moment ago: a look costs as much as a part of a commit. To be called before anything is answered.
   *
   * @throws NereusError STORE_REPLACED, or what was found before
   */
  check(): void {
    this.assertUsable();
    const now = performance.now();
    if (now - this.#checked < trusted) return;
    this.#checked = now;
    if (isThere(this.#main) && isThere(this.#log)) return;
    throw this.#unusable(replaced(this.#path));
  }

  /** @throws NereusError STORE_REPLACED or STORE_WENT_BACK */
  assertUsable(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** The head of the log was read. @throws NereusError STORE_WENT_BACK */
  sawHead(head: number): void {
    if (head < this.#head) throw this.#unusable(wentBack(this.#path, head, this.#head));
    this.#head = head;
  }

  /** Positions were given up to this one. @throws NereusError STORE_WENT_BACK */
  sawGiven(position: number): void {
    if (position < this.#given) throw this.#unusable(wentBack(this.#path, position, this.#given));
    this.#given = position;
  }

  #unusable(fault: NereusError): NereusError {
    this.#fault = fault;
    return fault;
  }
}

/** As SQLite has it: absolute, links followed, and "" for what is in memory. */
function fileOf(connection: Connection): string {
  const main = connection.prepare("PRAGMA database_list").all()[0];
  return String(main?.[2] ?? "");
}

function watched(path: string): Watched | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && { path, device: stats.dev, inode: stats.ino };
}

function isThere(file: Watched | undefined): boolean {
  if (file === undefined) return true;
  const stats = statSync(file.path, { throwIfNoEntry: false });
  return stats !== undefined && stats.ino === file.inode && stats.dev === file.device;
}

const again = "Stop the domain and start it again: it opens the file that is there now.";

function replaced(path: string): NereusError {
  const message = `The database file ${path}, or its -wal, was deleted, moved or replaced while it was open. What was just written is not in the file that is there now, if there is one.`;
  return new NereusError("STORE_REPLACED", message, { element: path, fix: again });
}

function wentBack(path: string, position: number, known: number): NereusError {
  const message = `The log in ${path} ends at position ${position}, and was at ${known} before: an earlier state was put in its place while it was open.`;
  return new NereusError("STORE_WENT_BACK", message, { element: path, fix: again });
}
