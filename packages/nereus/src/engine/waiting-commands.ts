import { priorities } from "../application/send-options.ts";
import type { SentCommand } from "../application/sent-command.ts";
import type { StreamId } from "../log/message.ts";
import { charactersOf } from "./page-size.ts";

/** A command that is due, and since when it may be tried again after it has failed. */
export interface Waiting {
  readonly id: string;
  readonly position: number;
  /** Where it is read again. */
  readonly stream: StreamId;
  readonly rank: number;
  /** By the domain's clock: not before. */
  readonly at: number;
  /** Whether a timer is kept for it, so that it is found again without reading the log. */
  readonly isTimed: boolean;
  /** Let go of while it waits for another try. */
  sent: SentCommand | undefined;
  failures: number;
  /** Milliseconds as `performance.now()` tells them: a pause does not depend on the system's clock, which may be set. */
  notBefore: number;
}

/** The most that is in memory of the commands of one urgency, and of those that have timers. One command may be larger. */
const most = { commands: 1000, characters: 16_000_000 };

/** The part of the memory that some of the commands have. */
class Room {
  #commands = 0;
  #characters = 0;

  get isFull(): boolean {
    return this.#commands >= most.commands || this.#characters >= most.characters;
  }

  /** It is worth reading on. */
  get isHalfEmpty(): boolean {
    return this.#commands <= most.commands / 2 && this.#characters <= most.characters / 2;
  }

  take({ message }: SentCommand): void {
    this.#commands += 1;
    this.#characters += charactersOf(message);
  }

  giveBack({ message }: SentCommand): void {
    this.#commands -= 1;
    this.#characters -= charactersOf(message);
  }
}

/** The commands of one urgency. */
class Lane {
  /** By position; those from the log in its order, and all in the order in which they became due. */
  readonly commands = new Map<number, Waiting>();
  readonly room = new Room();
  /** After this position they are in the log only. */
  leftAfter: number | undefined;

  /** Of the first without a timer. */
  get lowest(): number | undefined {
    for (const { isTimed, position } of this.commands.values()) if (!isTimed) return position;
    return this.leftAfter === undefined ? undefined : this.leftAfter + 1;
  }
}

/**
 * Sent commands that are due and not done yet: the first of each urgency in memory, as many as there is room for, the others in the log. So however many
 * wait, the most urgent is known. Of those that have failed only their places are kept, and they take no room.
 */
export class WaitingCommands {
  /** By rank, the most urgent first. */
  readonly #lanes: ReadonlyMap<number, Lane> = new Map(
    Object.values(priorities)
      .sort((a, b) => b - a)
      .map((rank) => [rank, new Lane()]),
  );
  readonly #timed = new Room();
  readonly #ids = new Set<string>();

  /** Takes one from the log, where they come in order; or leaves it there. */
  add(sent: SentCommand): void {
    const lane = this.#laneOf(sent);
    if (this.#ids.has(sent.message.id)) return;
    if (lane.leftAfter === undefined && !lane.room.isFull) this.#keep(sent, false);
    else lane.leftAfter ??= sent.message.position - 1;
  }

  /** Takes one that a timer has told of. */
  addTimed(sent: SentCommand): void {
    this.#keep(sent, true);
  }

  #keep(sent: SentCommand, isTimed: boolean): void {
    const { at, rank, message } = sent;
    const { id, position, stream } = message;
    this.#ids.add(id);
    const waiting: Waiting = { id, position, stream, rank, at, isTimed, sent: undefined, failures: 0, notBefore: 0 };
    this.#laneOf(sent).commands.set(position, waiting);
    this.#hold(waiting, sent);
  }

  #hold(waiting: Waiting, sent: SentCommand): void {
    waiting.sent = sent;
    this.#roomOf(waiting).take(sent);
  }

  /** Lets go of what it holds until it is tried again. */
  letGo(waiting: Waiting): void {
    if (waiting.sent !== undefined) this.#roomOf(waiting).giveBack(waiting.sent);
    waiting.sent = undefined;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  delete(waiting: Waiting): void {
    this.letGo(waiting);
    this.#ids.delete(waiting.id);
    this.#laneOf(waiting).commands.delete(waiting.position);
  }

  clear(): void {
    for (const lane of this.#lanes.values()) {
      for (const waiting of [...lane.commands.values()]) this.delete(waiting);
      lane.leftAfter = undefined;
    }
  }

  /** Lets those that have failed be tried again at once. */
  endPauses(): void {
    for (const { commands } of this.#lanes.values()) for (const one of commands.values()) one.notBefore = 0;
  }

  /** Of those that are due at a moment of the domain's clock, the most urgent; of these, the first. */
  next(now: number): Waiting | undefined {
    const passed = performance.now();
    for (const { commands } of this.#lanes.values()) {
      for (const one of commands.values()) if (one.at <= now && one.notBefore <= passed) return one;
    }
    return undefined;
  }

  /** The position of the first of those for which no timer is kept. */
  get lowest(): number | undefined {
    const positions = [...this.#lanes.values()].flatMap(({ lowest }) => (lowest === undefined ? [] : [lowest]));
    return positions.length === 0 ? undefined : Math.min(...positions);
  }

  /** Whether there is room for one more that has a timer, or for many. */
  hasRoomForTimed(many: boolean): boolean {
    return many ? this.#timed.isHalfEmpty : !this.#timed.isFull;
  }

  /** The urgency for which there is room again, and the position after which its commands are in the log only. */
  get lacking(): { readonly rank: number; readonly after: number } | undefined {
    for (const [rank, { leftAfter, room }] of this.#lanes) {
      if (leftAfter !== undefined && room.isHalfEmpty) return { rank, after: leftAfter };
    }
    return undefined;
  }

  /**
   * Takes what was left in the log.
   *
   * @param sent a page of it, from where it was left
   * @param through of the page; undefined where nothing is left after it
   */
  readOn(rank: number, sent: readonly SentCommand[], through: number | undefined): void {
    const lane = this.#laneOf({ rank });
    lane.leftAfter = undefined;
    for (const one of sent) if (one.rank === rank) this.add(one);
    lane.leftAfter ??= through;
  }

  #laneOf({ rank }: { readonly rank: number }): Lane {
    return this.#lanes.get(rank) as Lane; // there is one for each rank that a priority has
  }

  #roomOf(waiting: Waiting): Room {
    return waiting.isTimed ? this.#timed : this.#laneOf(waiting).room;
  }
}
