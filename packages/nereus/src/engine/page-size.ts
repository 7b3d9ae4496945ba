import type { StoredMessage } from "../log/message.ts";

/** Characters that a page should come to. */
const aim = 4_000_000;

/** How many messages the first page may have, and how much longer each may be than the one before it: what comes may be large. */
const first = 32;
const growth = 4;

/** How many messages a follower of the log reads at once: as many as come to some megabytes, by what the last ones had. */
export class PageSize {
  readonly #most: number;
  #limit: number = first;

  constructor(most: number) {
    this.#most = most;
  }

  get limit(): number {
    return this.#limit;
  }

  /** Learns from a page that was read with this limit. Whether it was full: there may be another. */
  learn(messages: readonly StoredMessage[]): boolean {
    const isFull = messages.length === this.#limit;
    const characters = messages.reduce((sum, message) => sum + charactersOf(message), 1);
    const fitting = Math.max(1, Math.floor((messages.length * aim) / characters));
    if (messages.length > 0) this.#limit = Math.min(fitting, this.#most, isFull ? this.#limit * growth : this.#limit);
    return isFull;
  }
}

export function charactersOf({ data, extensions }: StoredMessage): number {
  return data.length + (extensions?.length ?? 0);
}
