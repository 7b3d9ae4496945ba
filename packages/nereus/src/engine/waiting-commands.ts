import { priorities } from "../application/send-options.ts";
import type { SentCommand } from "../application/sent-command.ts";

/** A command that is due, and since when it may be tried again after it has failed. */
export interface Waiting extends SentCommand {
  /** Whether a timer is kept for it, so that it is found again without reading the log. */
  readonly isTimed: boolean;
  failures: number;
  /** Milliseconds as `performance.now()` tells them: a pause does not depend on the system's clock, which may be set. */
  notBefore: number;
}

/** Sent commands that are due and not done yet. */
export class WaitingCommands {
  /** By rank, the most urgent first; then in the order in which they became due. */
  readonly #byRank: ReadonlyMap<number, Map<number, Waiting>> = new Map(
    Object.values(priorities)
      .sort((a, b) => b - a)
      .map((rank) => [rank, new Map()]),
  );
  readonly #ids = new Set<string>();

  add(sent: SentCommand, isTimed: boolean): void {
    this.#ids.add(sent.message.id);
    this.#byRank.get(sent.rank)?.set(sent.message.position, { ...sent, isTimed, failures: 0, notBefore: 0 });
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  delete({ rank, message }: Waiting): void {
    this.#ids.delete(message.id);
    this.#byRank.get(rank)?.delete(message.position);
  }

  clear(): void {
    this.#ids.clear();
    for (const waiting of this.#byRank.values()) waiting.clear();
  }

  /** Lets those that have failed be tried again at once. */
  endPauses(): void {
    for (const waiting of this.#byRank.values()) for (const one of waiting.values()) one.notBefore = 0;
  }

  /** Of those that are due at a moment of the domain's clock, the most urgent; of these, the first. */
  next(now: number): Waiting | undefined {
    const passed = performance.now();
    for (const waiting of this.#byRank.values()) {
      for (const one of waiting.values()) if (one.at <= now && one.notBefore <= passed) return one;
    }
    return undefined;
  }

  /** The position of the first of those for which no timer is kept. */
  get lowest(): number | undefined {
    let lowest: number | undefined;
    for (const waiting of this.#byRank.values()) {
      for (const { isTimed, message } of waiting.values()) {
        if (isTimed) continue;
        lowest = Math.min(lowest ?? message.position, message.position);
        break; // those of one rank are in the order of the log
      }
    }
    return lowest;
  }
}
