import { timerOwner as owner, type SentCommand, sentCommand } from "../application/sent-command.ts";
import type { StreamId } from "../log/message.ts";
import type { Store, Timer, TimerWrite } from "../ports/store.ts";
import type { WaitingCommands } from "./waiting-commands.ts";

/** Timers per read. */
const page = 200;
/** Commands that are read at the same time. */
const readTogether = 16;

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
  /** Whether there was no room for all that were due. */
  #hasLeft = false;
  /** Commands that are done, whose timers are still there. */
  readonly #done = new Map<string, TimerWrite>();

  constructor(store: Store) {
    this.#store = store;
  }

  isDue(now: number, waiting: WaitingCommands): boolean {
    return this.#next <= now && waiting.hasRoomForTimed(this.#hasLeft);
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

  /** Adds those that are due, the soonest first, as many as there is room for. What is done is taken back first, so that it is not found again. */
  async addDue(now: number, waiting: WaitingCommands): Promise<void> {
    const { writes } = this;
    if (writes.length > 0) await this.#store.commit({ timers: writes });
    this.takenBack(writes);
    const left = await this.#firstWithoutRoom(now, waiting);
    this.#hasLeft = left !== undefined;
    const later = { after: { at: now + 1, id: "" }, until: Number.MAX_SAFE_INTEGER, limit: 1 };
    const next = left ?? (await this.#store.records.timers(owner, later))[0];
    this.#next = next?.at ?? Number.POSITIVE_INFINITY;
  }

  async #firstWithoutRoom(now: number, waiting: WaitingCommands): Promise<Timer | undefined> {
    let after: Timer | undefined;
    for (;;) {
      const range = { until: now, limit: page, ...(after === undefined ? {} : { after }) };
      const timers = await this.#store.records.timers(owner, range);
      const unknown = timers.filter(({ id }) => !waiting.has(id));
      for (let at = 0; at < unknown.length; at += readTogether) {
        if (!waiting.hasRoomForTimed(false)) return unknown[at];
        const commands = await Promise.all(unknown.slice(at, at + readTogether).map((timer) => this.#commandOf(timer)));
        for (const sent of commands.flat()) waiting.addTimed(sent);
      }
      if (timers.length < page) return undefined;
      after = timers.at(-1);
    }
  }

  /** Forgets what is known: another process is at work. */
  reset(): void {
    this.#next = Number.NEGATIVE_INFINITY;
    this.#hasLeft = false;
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
