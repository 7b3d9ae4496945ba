import type {
  Capability,
  CollectionShape,
  Commit,
  CommitOutcome,
  DocumentReader,
  LogReader,
  RecordReader,
  Store,
  WeakerPromise,
} from "../../ports/store.ts";
import { hearErrors } from "../pool-line.ts";
import { isAnswer, outcomeUnknown } from "../server-answers.ts";
import { notOpen } from "../store-errors.ts";
import { WakeUps } from "../wake-ups.ts";
import { type Surroundings, writeCommit } from "./commit-writer.ts";
import { storeFault } from "./faults.ts";
import { Horizon } from "./horizon.ts";
import { LateAppends, lateCollection } from "./late-appends.ts";
import { MessageDbLog } from "./log.ts";
import { LogWriter } from "./log-writer.ts";
import { OnceIds } from "./once-ids.ts";
import { type MessageDbPool, patientPool } from "./pool.ts";
import { MessageDbRecords } from "./records.ts";
import { assertSetUp } from "./set-up.ts";
import { writersAtWork } from "./writers.ts";

/** The store behind `messageDb(…)`. */
export class MessageDbStore implements Store {
  readonly name: string;
  readonly capabilities: ReadonlySet<Capability>;
  readonly weaker: ReadonlySet<WeakerPromise>;
  readonly log: LogReader;
  readonly documents: DocumentReader;
  readonly records: RecordReader;
  readonly #on: Surroundings;
  readonly #wakeUps = new WakeUps();
  /** What has no answer yet, and how it is refused. */
  readonly #underWay = new Set<{ readonly answer: Promise<unknown>; readonly cut: (error: unknown) => void }>();
  readonly #given: MessageDbPool;
  #unhear: () => void = () => undefined;
  #isOpen = false;
  /** Opening and closing follow one another, in the order in which they were called. */
  #transition: Promise<void> = Promise.resolve();

  constructor(given: MessageDbPool, second: Store, weaker: readonly WeakerPromise[], patience: number) {
    this.#given = given;
    this.name = `message-db with ${second.name}`;
    const pool = patientPool(given, this.name, patience);
    this.capabilities = new Set<Capability>(second.capabilities.has("durable") ? ["durable"] : []);
    this.weaker = new Set(weaker);
    const read = <Result>(work: () => Promise<Result>): Promise<Result> => this.#during(work);
    const writer = new LogWriter(pool);
    const log = new MessageDbLog(pool, new Horizon(pool), read, patience);
    const once = new OnceIds(second);
    const records = new MessageDbRecords(pool, second, once, read);
    this.log = log;
    this.records = records;
    this.documents = second.documents;
    this.#on = {
      name: this.name,
      pool,
      second,
      weaker: this.weaker,
      writer,
      late: new LateAppends(second, writer),
      records,
      once,
      head: () => log.head(),
      onMessages: () => this.#wakeUps.ring(),
    };
  }

  open(collections: readonly CollectionShape[]): Promise<void> {
    return this.#next(async () => {
      const { pool, second, late, once } = this.#on;
      const wasOpen = this.#isOpen;
      await assertSetUp(pool, this.name).catch((error: unknown) => {
        throw storeFault(error, this.name);
      });
      await second.open([...collections, lateCollection]);
      try {
        await once.open();
        if ((await late.flush()) > 0) this.#wakeUps.ring();
      } catch (error) {
        if (!wasOpen) await second.close();
        throw storeFault(error, this.name);
      }
      if (!this.#isOpen) this.#unhear = hearErrors(this.#given);
      this.#isOpen = true;
    });
  }

  close(options?: { readonly atOnce: boolean }): Promise<void> {
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    if (options?.atOnce === true) this.#cut();
    return this.#next(async () => {
      await Promise.allSettled([...this.#underWay].map(({ answer }) => answer));
      if (!wasOpen) return;
      this.#unhear();
      await this.#on.second.close(options);
    });
  }

  /** What waits is not written any more; what was sent may be. */
  #cut(): void {
    this.#on.writer.cut(notOpen(this.name));
    for (const { cut } of this.#underWay) cut(outcomeUnknown(new Error("the store was closed"), this.name));
  }

  commit(commit: Commit): Promise<CommitOutcome> {
    const copy = structuredClone(commit); // it may wait in a line while its writer goes on
    return this.#during(async () => {
      try {
        return await writeCommit(this.#on, copy);
      } catch (error) {
        throw isAnswer(error) ? error : outcomeUnknown(error, this.name);
      }
    });
  }

  heldUpBy(): Promise<string | undefined> {
    return this.#during(() => writersAtWork(this.#on.pool));
  }

  onCommit(listener: () => void): () => void {
    return this.#wakeUps.listen(listener);
  }

  async #during<Result>(work: () => Promise<Result>): Promise<Result> {
    if (!this.#isOpen) throw notOpen(this.name);
    const { promise, reject } = Promise.withResolvers<never>();
    const answer = Promise.race([work(), promise]);
    const one = { answer, cut: reject };
    this.#underWay.add(one);
    try {
      return await answer;
    } catch (error) {
      throw storeFault(error, this.name);
    } finally {
      this.#underWay.delete(one);
    }
  }

  #next(step: () => Promise<void>): Promise<void> {
    const done = this.#transition.then(step);
    this.#transition = done.catch(() => undefined);
    return done;
  }
}
