import { closeSync, openSync, readSync, renameSync, rmSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { NereusError } from "../../model/errors.ts";
import type { Connection } from "./connection.ts";
import { lastMessage, messageAt } from "./statements.ts";

/** How long what was found of the files is trusted, in milliseconds. */
const trusted = 50;

interface Watched {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
}

/** How a write-ahead log begins, but for its last bit. */
const walMagic = 0x377f0682;
const walHeader = 32;

/**
 * The files behind an open database, as they were when it was opened. SQLite goes on with files that nobody finds any more: what it then says to have
 * written is lost. Once something else was found in their place, the store answers nothing until it is opened anew.
 */
export class OpenedFile {
  readonly #path: string;
  readonly #main: Watched | undefined;
  /** What `#main` is or leads to. */
  readonly #target: Watched | undefined;
  /** The write-ahead log holds commits that are not in the file yet. */
  readonly #log: Watched | undefined;
  /** Says what of the write-ahead log counts: whoever has another one writes over it. */
  readonly #index: Watched | undefined;
  readonly #connection: Connection;
  #fault: NereusError | undefined;
  #checked = 0;
  #head = 0;
  #given = 0;
  /** A message that is in the log, as far as this process knows. */
  #marked = 0;
  #markedId = "";

  /** @param connection after its first read, which makes the files beside it */
  constructor(connection: Connection) {
    this.#path = connection.path;
    this.#connection = connection;
    const file = fileOf(connection);
    if (file === "") return; // in memory
    this.#main = watched(connection.path.startsWith("file:") ? file : resolve(connection.path));
    this.#target = watched(file);
    this.#log = watched(`${file}-wal`);
    this.#index = watched(`${file}-shm`);
  }

  /**
   * Looks at the files, if that was not done a moment ago: a look costs as much as a part of a commit. To be called before anything is answered.
   *
   * @throws NereusError STORE_REPLACED, STORE_WENT_BACK, or what was found before
   */
  check(): void {
    this.assertUsable();
    const now = performance.now();
    if (now - this.#checked < trusted) return;
    this.#checked = now;
    const isWhole = isThere(this.#main) && isThere(this.#log) && isThere(this.#index) && isLog(this.#log);
    if (!isWhole) {
      const fault = this.#unusable(replaced(this.#path));
      this.setLogAside();
      throw fault;
    }
    if (this.#main === undefined) return;
    this.#verifyMark();
    const [position, id] = this.#connection.prepare(lastMessage).get() ?? [];
    if (typeof position === "number") this.#mark(position, String(id));
  }

  /**
   * SQLite applies a write-ahead log to whatever file it finds beside it. So the log of a file that is not there any more gets another name: else it
   * would go over the pages of the backup that was put in its place.
   */
  setLogAside(): void {
    if (this.#target === undefined || isThere(this.#target)) return;
    if (this.#log !== undefined && isThere(this.#log)) {
      try {
        renameSync(this.#log.path, `${this.#log.path}.replaced-${Date.now()}`);
      } catch (error) {
        if (isThere(this.#log)) throw error; // else another process has done it
      }
    }
    if (this.#index !== undefined && isThere(this.#index)) rmSync(this.#index.path, { force: true });
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
    if (position !== this.#given) this.#verifyMark(); // somebody else wrote
    this.#given = position;
  }

  /** This process has stored a message as the last one. */
  wrote(position: number, id: string): void {
    this.#given = position;
    this.#mark(position, id);
  }

  #mark(position: number, id: string): void {
    this.#marked = position;
    this.#markedId = id;
  }

  /** The log may have gone back, and have grown since: then it has another message where one was. */
  #verifyMark(): void {
    if (this.#marked === 0) return;
    const id = this.#connection.prepare(messageAt).get(this.#marked)?.[0];
    if (id !== undefined && id !== this.#markedId) throw this.#unusable(overgrown(this.#path, this.#marked));
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

/** A log that was cut off says nothing of what is written behind its end. Whoever restarts it leaves it empty, or begins it anew. */
function isLog(file: Watched | undefined): boolean {
  if (file === undefined) return true;
  const header = new DataView(new ArrayBuffer(walHeader));
  let descriptor: number;
  try {
    descriptor = openSync(file.path, "r");
  } catch {
    return false; // it went away since it was looked at
  }
  try {
    if (readSync(descriptor, header, 0, walHeader, 0) < walHeader) return true;
  } finally {
    closeSync(descriptor);
  }
  return (header.getUint32(0) & ~1) === walMagic;
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

function overgrown(path: string, position: number): NereusError {
  const message = `The log in ${path} has another message at position ${position} than before: an earlier state was put in its place while it was open.`;
  return new NereusError("STORE_WENT_BACK", message, { element: path, fix: again });
}
