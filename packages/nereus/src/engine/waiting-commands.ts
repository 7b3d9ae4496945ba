import { priorities } from "../application/send-options.ts";
import type { SentCommand } from "../application/sent-command.ts";

/** A command that waits, and since when it may be tried again after it has failed. */
export interface Waiting extends SentCommand {
  failures: number;
  /** By the machine's clock, in milliseconds. */
  notBefore: number;
}

/** Sent commands that are not done yet. */
export class WaitingCommands {
  /** By rank, the most urgent first; then by position, the lowest first, since they are added in this order. */
  readonly #byRank: ReadonlyMap<number, Map<number, Waiting>> = new Map(
    Object.values(priorities)
      .sort((a, b) => b - a)
      .map((rank) => [rank, new Map()]),
  );

  add(sent: SentCommand): void {
    this.#byRank.get(sent.rank)?.set(sent.message.position, { ...sent, failures: 0, notBefore: 0 });
  }

  delete({ rank, message }: Waiting): void {
    this.#byRank.get(rank)?.delete(message.position);
  }

  clear(): void {
    for (const waiting of this.#byRank.values()) waiting.clear();
  }

  /** Lets those that have failed be tried again at once. */
  endPauses(): void {
    for (const waiting of this.#byRank.values()) for (const one of waiting.values()) one.notBefore = 0;
  }

  /** Of those that are due at a moment of the domain's clock, the most urgent; of these, the first. */
  next(now: number): Waiting | undefined {
    const machineNow = Date.now();
    for (const waiting of this.#byRank.values()) {
      for (const one of waiting.values()) if (one.at <= now && one.notBefore <= machineNow) return one;
    }
    return undefined;
  }

  /** The position of the first of them. */
  get lowest(): number | undefined {
    const firsts = [...this.#byRank.values()].flatMap((waiting) => waiting.keys().next().value ?? []);
    return firsts.length === 0 ? undefined : Math.min(...firsts);
  }
}
