import { timerOwner as owner, type SentCommand, sentCommand } from "../application/sent-command.ts";
import type { StreamId } from "../log/message.ts";
import type { Store, Timer, TimerWrite } from "../ports/store.ts";

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
  /** Commands that are done, whose timers are still there. */
  readonly #done = new Map<string, TimerWrite>();

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

  /** A command is done, whether or not it was found by its timer. */
  done({ message, at }: SentCommand): void {
    if (at > 0) this.#done.set(message.id, { owner, id: message.id, at: null });
  }

  /** What takes the timers back of all that is done; {@link takenBack} says that it was committed. */
  get writes(): readonly TimerWrite[] {
    return [...this.#done.values()];
  }

  takenBack(writes: readonly TimerWrite[]): void {
    for (const { id } of writes) this.#done.delete(id);
  }

  /**
   * All commands that are due. What is done is taken back first, so that it is not found again.
   *
   * @param isKnown whether a command is in hand already: it is left out
   */
  async due(now: number, isKnown: (id: string) => boolean): Promise<readonly SentCommand[]> {
    const { writes } = this;
    if (writes.length > 0) await this.#store.commit({ timers: writes });
    this.takenBack(writes);
    const found: SentCommand[] = [];
    let after: Timer | undefined;
    for (;;) {
      const range = { until: now, limit: page, ...(after === undefined ? {} : { after }) };
      const timers = await this.#store.records.timers(owner, range);
      const unknown = timers.filter(({ id }) => !isKnown(id));
      const commands = await Promise.all(unknown.map((timer) => this.#commandOf(timer)));
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
