import { type SentCommand, sentCommand } from "../application/sent-command.ts";
import type { StreamId } from "../log/message.ts";
import type { Store, Timer, TimerWrite } from "../ports/store.ts";

/** Whose the timers of sent commands are. */
const owner = "commands";
/** Timers per read. */
const page = 200;

/** Where a sent command is in the log. */
type Place = Pick<StreamId, "tenant" | "category" | "id">;

/**
 * The commands that were sent for later, as timers of the store: found again when they are due, without the log being read again, and without a place in
 * memory until then.
 */
export class CommandTimers {
  readonly #store: Store;
  /** When the next timer is due that was not looked at; before the first look, nobody knows. */
  #next = Number.NEGATIVE_INFINITY;

  constructor(store: Store) {
    this.#store = store;
  }

  isDue(now: number): boolean {
    return this.#next <= now;
  }

  /** Keeps a timer for each of these; safe to repeat. */
  async set(later: readonly SentCommand[]): Promise<void> {
    if (later.length === 0) return;
    await this.#store.commit({ timers: later.map(timerOf) });
    for (const { at } of later) this.#next = Math.min(this.#next, at);
  }

  /** All commands that are due, those that were answered before and not taken back among them. */
  async due(now: number): Promise<readonly SentCommand[]> {
    const found: SentCommand[] = [];
    let after: Timer | undefined;
    for (;;) {
      const range = { until: now, limit: page, ...(after === undefined ? {} : { after }) };
      const timers = await this.#store.records.timers(owner, range);
      const commands = await Promise.all(timers.map((timer) => this.#commandOf(timer)));
      found.push(...commands.flat());
      if (timers.length < page) break;
      after = timers.at(-1);
    }
    const later = { after: { at: now + 1, id: "" }, until: Number.MAX_SAFE_INTEGER, limit: 1 };
    const [next] = await this.#store.records.timers(owner, later);
    this.#next = next?.at ?? Number.POSITIVE_INFINITY;
    return found;
  }

  /** Forgets what is known: another process is at work. */
  reset(): void {
    this.#next = Number.NEGATIVE_INFINITY;
  }

  async #commandOf({ data }: Timer): Promise<readonly SentCommand[]> {
    const place = JSON.parse(data) as Place;
    const messages = await this.#store.log.readStream({ ...place, kind: "command" }, { limit: 1 });
    return messages.map(sentCommand);
  }
}

function timerOf({ message, at }: SentCommand): TimerWrite {
  const { tenant, category, id } = message.stream;
  return { owner, id: message.id, at, data: JSON.stringify({ tenant, category, id } satisfies Place) };
}

/** What takes the timer of a command back. */
export function timerTaken({ message }: SentCommand): TimerWrite {
  return { owner, id: message.id, at: null };
}
