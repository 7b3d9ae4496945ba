import { setImmediate } from "node:timers";
import type { Commit, CommitOutcome } from "../../ports/store.ts";
import { CommitQueue, type Waiting as WaitingCommit } from "../commit-queue.ts";
import { codeOf, isAnswer } from "../server-answers.ts";
import { notOpen, withdrawn } from "../store-errors.ts";
import { type Encoding, type Group, groupsOf, loneMessage, typesIn } from "./batch.ts";
import { type BatchWriter, Renewed, type WrittenBatch } from "./batch-writer.ts";
import { entangled, storeFault } from "./faults.ts";
import { type Answer, answersOf } from "./verdicts.ts";

/** From so many waiting commits on, half go ahead, so that the server has work while this process reads its answers. */
const splitFrom = 24;

/** The most characters of messages and documents in one batch, but for one commit that has more. */
const batchLength = 8_000_000;

/** How many batches may be on their way at a time, on one connection. */
const pipelined = 2;

/** How often a batch is encoded anew. */
const mostRenewals = 8;

/** How a batch is tried. */
interface Manner {
  /** Stored message ids are looked for before any is written. */
  readonly careful: boolean;
  /** Each commit is a group. */
  readonly alone: boolean;
  /** How often it was encoded anew, each time because its connection was lost. */
  readonly renewed: number;
}

type Waiting = WaitingCommit<CommitOutcome>;

export interface GroupCommitSettings {
  /** Of the store, for messages. */
  readonly name: string;
  readonly writer: BatchWriter;
  readonly encoding: Encoding;
  /** Called after each batch that wrote messages, with the last one's position. */
  readonly onMessages: (position: number) => void;
}

/**
 * Gathers the commits that are made while another batch is written into one round trip and one transaction, so that they
 * share the wait for the disk. A fault in one makes each be tried alone.
 */
export class GroupCommit {
  readonly #settings: GroupCommitSettings;
  readonly #queue = new CommitQueue<CommitOutcome>();
  #scheduled = false;
  #preparing = false;
  #underWay = 0;
  #idle: (() => void)[] = [];

  constructor(settings: GroupCommitSettings) {
    this.#settings = settings;
  }

  commit(commit: Commit): Promise<CommitOutcome> {
    return new Promise((resolve, reject) => {
      this.#queue.add({ commit, resolve, reject });
      this.#schedule();
    });
  }

  /** Takes back a commit that is not on its way to the server. */
  withdraw(commit: Commit): boolean {
    const waiting = this.#queue.withdraw(commit);
    waiting?.reject(withdrawn(this.#settings.name));
    return waiting !== undefined;
  }

  /** Refuses what waits, and takes no more of what was taken as an answer. */
  cut(): void {
    for (const { reject } of this.#queue.take(Number.POSITIVE_INFINITY)) reject(notOpen(this.#settings.name));
  }

  /** Settles when all that is queued has been answered. */
  drained(): Promise<void> {
    if (this.#queue.size === 0 && this.#underWay === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #schedule(): void {
    if (this.#scheduled || this.#preparing || this.#underWay >= pipelined || this.#queue.size === 0) return;
    this.#scheduled = true;
    // Not a microtask: requests that arrive in the same turn are to share the transaction. The real timers are
    // imported, so that a test with fake ones does not stop the store.
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    const batch = this.#nextBatch();
    this.#underWay++;
    void this.#send(batch).finally(() => {
      this.#underWay--;
      if (this.#queue.size === 0 && this.#underWay === 0) for (const resolve of this.#idle.splice(0)) resolve();
      this.#schedule();
    });
  };

  #nextBatch(): readonly Waiting[] {
    const waiting = this.#queue.size;
    const most = this.#underWay === 0 && waiting >= splitFrom ? Math.ceil(waiting / 2) : waiting;
    let length = 0;
    return this.#queue.take(Math.min(most, this.#queue.batchSize), (commit) => {
      const isFirst = length === 0;
      length += Math.max(1, lengthOf(commit));
      return isFirst || length <= batchLength;
    });
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    await this.#write(batch, { careful: false, alone: false, renewed: 0 });
  }

  /** Gives what is new in a batch its numbers. Whether it can be written; if not, it was answered. */
  async #register(batch: readonly Waiting[]): Promise<boolean> {
    // No later batch overtakes this one meanwhile.
    this.#preparing = true;
    try {
      await this.#settings.encoding.types.register(batch.map(({ commit }) => commit));
      return true;
    } catch (error) {
      for (const { reject } of batch) reject(storeFault(error, this.#settings.name));
      return false;
    } finally {
      this.#preparing = false;
    }
  }

  async #write(batch: readonly Waiting[], manner: Manner): Promise<void> {
    const { types } = this.#settings.encoding;
    if (!batch.every(({ commit }) => types.covers(commit)) && !(await this.#register(batch))) return;
    try {
      const answers = await this.#answers(batch, manner);
      for (const [at, { resolve, reject }] of batch.entries()) {
        const answer = answers[at];
        if (answer === undefined) reject(new Error("a commit has no answer"));
        else if ("error" in answer) reject(storeFault(answer.error, this.#settings.name));
        else resolve(answer.outcome);
      }
    } catch (error) {
      await this.#writeAgain(batch, manner, error);
    }
  }

  /** What the server refused as a whole it has undone as a whole. */
  async #writeAgain(batch: readonly Waiting[], manner: Manner, error: unknown): Promise<void> {
    if (error instanceof Renewed && manner.renewed < mostRenewals) {
      await this.#write(batch, { ...manner, renewed: manner.renewed + 1 });
    } else if (isAnswer(error) && codeOf(error) === entangled && !manner.alone) {
      await this.#write(batch, { ...manner, alone: true });
    } else if (isRefusal(error) && !manner.careful) {
      await this.#write(batch, { ...manner, careful: true });
    } else if (isRefusal(error) && batch.length > 1) {
      for (const waiting of batch) await this.#write([waiting], { ...manner, careful: true, alone: true });
    } else {
      for (const { reject } of batch) reject(storeFault(error, this.#settings.name));
    }
  }

  async #answers(batch: readonly Waiting[], manner: Manner): Promise<readonly Answer[]> {
    const { encoding, onMessages } = this.#settings;
    const commits = batch.map(({ commit }) => commit);
    const groups = groupsOf(commits, encoding, manner.alone);
    this.#schedule();
    const written = await this.#written(commits, groups, manner);
    const answers: Answer[] = [];
    let last = 0;
    for (const [at, group] of groups.entries()) {
      const answer = written[at];
      if (answer === undefined) throw new Error("a group of commits has no answer");
      answers.push(...(await answersOf(group.commits, answer, encoding)));
      if (answer.written > 0) last = answer.base + answer.written;
    }
    if (last > 0) onMessages(last);
    return answers;
  }

  /** A message that comes alone takes a shorter way; where its stream has moved on, the longer one says so. */
  async #written(commits: readonly Commit[], groups: readonly Group[], manner: Manner): Promise<WrittenBatch> {
    const { writer, encoding } = this.#settings;
    const [only] = commits;
    if (only !== undefined && commits.length === 1 && !manner.careful) {
      const message = loneMessage(only, encoding);
      const written = message && (await writer.append(message));
      if (written !== undefined) return written;
    }
    return writer.write(JSON.stringify(groups), messagesOf(groups), manner.careful, typesIn(groups));
  }
}

/** The messages of the only group, or of each group by its number; null where there are none. */
function messagesOf(groups: readonly Group[]): string | null {
  const [only] = groups;
  if (groups.length === 1)
    return only === undefined || only.messages.length === 0 ? null : JSON.stringify(only.messages);
  const written = groups.flatMap(({ messages }, at) => (messages.length === 0 ? [] : [[at, messages]]));
  return written.length === 0 ? null : JSON.stringify(Object.fromEntries(written));
}

/** Whether the server refused what one of the commits holds, so that the others may be written without it. */
function isRefusal(error: unknown): boolean {
  return isAnswer(error) && /^(?:2[0-3]|40|54|55P03|57014|NER)/.test(codeOf(error));
}

function lengthOf({ appends = [], documents = [] }: Commit): number {
  let length = 0;
  for (const { messages } of appends) for (const { data } of messages) length += data.length;
  for (const { data } of documents) length += data?.length ?? 0;
  return length;
}
