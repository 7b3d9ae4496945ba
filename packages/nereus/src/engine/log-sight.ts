import type { Runtime } from "../application/registry.ts";
import type { MessageKind } from "../log/message.ts";
import { NereusError } from "../model/errors.ts";
import type { LogReader } from "../ports/store.ts";
import type { Runner } from "./runner.ts";

/** How long an engine takes the log for the one that it was, in milliseconds. */
const trusted = 50;

const kinds: readonly MessageKind[] = ["event", "command", "fact", "process", "snapshot"];

/** A message that was the last one. */
interface Mark {
  readonly position: number;
  readonly id: string;
}

/**
 * Looks where the log ends, for all that follows it in a process. A log that is shorter than before, or has another message where the last one was, went
 * back to an earlier state (and may have grown since): what its followers keep in memory of it is then dropped.
 */
export class LogSight {
  readonly #runtime: Runtime;
  #head = 0;
  #mark: Mark | undefined;
  #looked = Number.NEGATIVE_INFINITY;
  #wentBack = 0;
  /** How often each had heard that the log went back. */
  readonly #told = new WeakMap<Runner, number>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /**
   * The head of the log. Those who follow it have forgotten by then what is not in the log any more.
   *
   * @param patience how long ago the last message may have been held against the log, in milliseconds
   */
  async headFor(runners: readonly Runner[], patience: number = trusted): Promise<number> {
    const head = await this.#look(patience);
    for (const runner of runners) {
      const told = this.#told.get(runner) ?? 0;
      if (told === this.#wentBack) continue;
      const now = this.#wentBack;
      await runner.forget();
      this.#told.set(runner, now);
    }
    return head;
  }

  async #look(patience: number): Promise<number> {
    const { log } = this.#runtime.store;
    const [before, wentBack] = [this.#head, this.#wentBack]; // what others ask meanwhile may be answered sooner
    const head = await log.head();
    const isShorter = head < before;
    const isAnother = !isShorter && !(await this.#hasMark(head, patience));
    if (wentBack !== this.#wentBack) return head; // another look has found it
    this.#head = isShorter ? head : Math.max(head, this.#head);
    if (isShorter) this.#begin(`ends at position ${head}, and was at ${before} before`);
    else if (isAnother)
      this.#begin(`ends at position ${head}, and has another message at ${this.#mark?.position} than before`);
    return head;
  }

  /** Whether the message that was seen last is where it was; then the one that is last now is remembered. */
  async #hasMark(head: number, patience: number): Promise<boolean> {
    const { log } = this.#runtime.store;
    const mark = this.#mark;
    const now = performance.now();
    if (now - this.#looked < patience) return true;
    this.#looked = now;
    const [known, last] = await Promise.all([mark && idAt(log, mark.position), idAt(log, head)]);
    if (mark !== undefined && known !== mark.id) return false;
    // where others write to the same log, the last message may be none of ours
    if (last !== undefined && this.#mark === mark) this.#mark = { position: head, id: last };
    return true;
  }

  #begin(what: string): void {
    const { store, cache, log } = this.#runtime;
    this.#mark = undefined;
    this.#looked = Number.NEGATIVE_INFINITY;
    this.#wentBack += 1;
    cache.clear();
    const message = `The log of ${store.name} ${what}`;
    const fix = "An earlier state of it was put back. What was kept in memory is dropped; see the guide on backups.";
    log.error(message, new NereusError("STORE_WENT_BACK", message, { element: store.name, fix }));
  }
}

async function idAt(log: LogReader, position: number): Promise<string | undefined> {
  if (position === 0) return undefined;
  const { messages } = await log.readLog({ after: position - 1, limit: 1, kinds });
  return messages[0]?.position === position ? messages[0].id : undefined;
}
