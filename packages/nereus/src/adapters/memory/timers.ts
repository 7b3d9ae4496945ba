import type { Timer, TimerRange, TimerWrite } from "../../ports/store.ts";
import { compareText } from "../text-order.ts";

/** The timers of one owner, kept in their order. */
export class MemoryTimers {
  readonly #moments = new Map<string, number>();
  readonly #inOrder: Timer[] = [];

  write(write: TimerWrite): void {
    const { id } = write;
    const at = this.#moments.get(id);
    if (at !== undefined) this.#inOrder.splice(this.#placeOf({ at, id }), 1);
    if (write.at === null) {
      this.#moments.delete(id);
      return;
    }
    const timer = { id, at: write.at, data: write.data };
    this.#inOrder.splice(this.#placeOf(timer), 0, timer);
    this.#moments.set(id, timer.at);
  }

  read({ after, until, limit }: TimerRange): Timer[] {
    const found: Timer[] = [];
    for (let at = after === undefined ? 0 : this.#placeAfter(after); found.length < limit; at++) {
      const timer = this.#inOrder[at];
      if (timer === undefined || timer.at > until) break;
      found.push({ ...timer });
    }
    return found;
  }

  #placeAfter(place: Pick<Timer, "at" | "id">): number {
    const at = this.#placeOf(place);
    const there = this.#inOrder[at];
    return there !== undefined && compare(there, place) === 0 ? at + 1 : at;
  }

  /** Where it is, or would be. */
  #placeOf(place: Pick<Timer, "at" | "id">): number {
    let from = 0;
    let to = this.#inOrder.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (compare(this.#inOrder[middle] as Timer, place) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

function compare(one: Pick<Timer, "at" | "id">, other: Pick<Timer, "at" | "id">): number {
  return one.at - other.at || compareText(one.id, other.id);
}
