import { setTimeout } from "node:timers/promises";
import { storedMetadata } from "../application/event-metadata.ts";
import type { KnownSources } from "../application/event-sources.ts";
import { FollowedMessages } from "../application/followed-messages.ts";
import { projecting } from "../application/handling.ts";
import { type Gap, InlineState, inlineNote } from "../application/inline-state.ts";
import { checkpointOf, type ProjectorDefinition } from "../application/projector.ts";
import { nameOfEvent } from "../application/raised-event.ts";
import type { Runtime } from "../application/registry.ts";
import { type Projected, RowSession } from "../application/row-session.ts";
import { assertSizes } from "../application/size-limits.ts";
import { type Activity, secondsSince } from "../application/under-way.ts";
import { UnitTransaction } from "../application/unit-transaction.ts";
import type { StoredMessage } from "../log/message.ts";
import { definition } from "../model/element.ts";
import { isNereusError, NereusError } from "../model/errors.ts";
import type { Commit, CommitOutcome, Conflict, DocumentWrite, LogPage, LogReader } from "../ports/store.ts";
import { PageSize } from "./page-size.ts";
import type { Runner } from "./runner.ts";
import { assertInLog, storedCheckpoint } from "./stored-checkpoint.ts";

/** Milliseconds between looks for events that readers may not see yet. */
const lag = 2;

type Taken = Extract<Conflict, { readonly on: "unique" }>;
type SessionWrites = readonly (readonly [RowSession, readonly DocumentWrite[]])[];

/** Events per batch (one transaction, one checkpoint, each row written once). */
const mostAtOnce = 8192;
/** Events per read that looks for one of them. */
const lookedThrough = 256;
/** Rows kept in memory between batches, so that a hot row is not read and parsed again. */
const keptRows = 10_000;
/** Characters that the rows in memory may come to, by what was written of them. */
const keptCharacters = 32_000_000;
/** The checkpoint also moves over events that do not concern the projection, but only in steps this wide. */
const idleStep = 10_000;

/** The checkpoint of an inline projection that has every event: its rows are written by the commits that append events. */
export const always: number = Number.MAX_SAFE_INTEGER;

/**
 * Keeps one async projection up to date: reads its events page by page, and commits the rows that a page changes
 * together with the checkpoint. After a crash it goes on from that checkpoint, so nothing is skipped or applied twice.
 */
export class ProjectionRunner implements Runner {
  readonly #runtime: Runtime;
  readonly #projector: ProjectorDefinition;
  #sources: KnownSources;
  #followed: FollowedMessages;
  readonly #transactions: () => UnitTransaction;
  readonly #sessions = new Map<string, RowSession>();
  /** The checkpoint as stored; undefined until it was read. */
  #checkpoint: number | undefined;
  /** How far the log was looked at; not behind the checkpoint. */
  #position = 0;
  #current: Promise<void> | undefined;
  /** Written since the rows in memory were let go of: no less than they are. */
  #keptCharacters = 0;
  readonly #batch = new PageSize(mostAtOnce);
  /** The page after the one in hand, on its way while that is applied. */
  #ahead: { readonly after: number; readonly page: Promise<LogPage> } | undefined;
  /** The asynchronous step that is under way. */
  #step: Activity | undefined;
  /** Of the page in hand. */
  #transaction: UnitTransaction;

  /** @param transactions how it writes each batch; default: by itself */
  constructor(
    runtime: Runtime,
    projector: ProjectorDefinition,
    transactions: () => UnitTransaction = () =>
      new UnitTransaction(runtime.store, undefined, projector.projection[definition].name),
  ) {
    this.#runtime = runtime;
    this.#projector = projector;
    this.#sources = runtime.sources.own;
    this.#followed = new FollowedMessages(this.#sources, projector.steps.keys(), projector.categories);
    this.#transactions = transactions;
    this.#transaction = transactions();
  }

  get doing(): readonly string[] {
    return this.#step === undefined ? [] : [this.#step.describe()];
  }

  abort(error: NereusError): void {
    this.#step?.abort(error);
  }

  get subject(): string {
    return projectionSubject(this.#projector);
  }

  get projection(): string {
    return this.#projector.projection[definition].name;
  }

  get name(): string {
    return checkpointOf(this.#projector);
  }

  /**
   * Applies events until the projection has passed a position of the log, or the signal says stop.
   *
   * @throws NereusError PROJECTION_FAILED; the rows stay as of the event before
   */
  async reach(position: number, signal?: AbortSignal): Promise<void> {
    if (this.#checkpoint === always) this.#forget(); // another release may have left events out since
    while (signal?.aborted !== true && (this.#position < position || this.#checkpoint === undefined)) {
      const before = this.#position;
      this.#current ??= this.#advancePage().finally(() => {
        this.#current = undefined;
      });
      await this.#current;
      // readers may lag behind a commit (until older transactions have settled): then wait a little
      if (this.#position === before && this.#checkpoint !== undefined) await setTimeout(lag);
    }
  }

  async forget(): Promise<void> {
    while (this.#current !== undefined) await this.#current.catch(() => undefined); // whoever waits for it is told
    this.#forget();
    this.#ahead = undefined;
    this.#position = 0;
  }

  async #advancePage(): Promise<void> {
    if (this.#checkpoint === undefined && !(await this.#resume())) return;
    const page = await this.#nextPage();
    if (page.messages.length > 0) await this.#advance(page.messages, page.through);
    else if (!(await this.#sources.isCurrent(this.#transaction.reads.records))) this.#forget();
    else if (page.through - (this.#checkpoint ?? 0) >= idleStep) await this.#commit([], page.through);
    else this.#position = Math.max(this.#position, page.through);
  }

  /** Begins where the rows are; false where that was changed at the same time, so that it has to be tried again. */
  async #resume(): Promise<boolean> {
    const { reads } = this.#transaction;
    const { name } = this.#runtime.store;
    this.#sources = await this.#runtime.sources.read(reads.records);
    this.#followed = new FollowedMessages(this.#sources, this.#projector.steps.keys(), this.#projector.categories);
    this.#ahead = undefined;
    let checkpoint = await storedCheckpoint({ name, log: reads.log, records: reads.records }, this.name, this.subject);
    if (checkpoint === always || this.#projector.run === "inline") {
      const state = new InlineState(await reads.records.note(inlineNote), []);
      const { types = [], gap } = state.entries.get(this.name) ?? {};
      const all = [...this.#projector.steps.keys(), ...types];
      this.#followed = new FollowedMessages(this.#sources, all, undefined);
      const first = gap?.first ?? null; // null: a release from before there was a register has completed it
      if (checkpoint === always && gap !== undefined && first !== null) {
        await assertInLog({ name, log: reads.log }, [{ name: inlineNote, subject: this.subject, position: gap.after }]);
        const isExact = this.#runtime.store.capabilities.has("transactional");
        const position = isExact ? await positionBefore(reads.log, { ...gap, first }, types) : gap.after;
        const outcome = await this.#store({
          checkpoint: { name: this.name, expected: always, position },
          notes: state.asserted,
        });
        if (outcome.status !== "committed") return false;
        checkpoint = position;
      }
    }
    this.#checkpoint = checkpoint;
    this.#position = checkpoint;
    return checkpoint !== always;
  }

  /** The position from which to go on, as stored; undefined where it is not known. */
  get checkpoint(): number | undefined {
    return this.#checkpoint;
  }

  async #nextPage(): Promise<LogPage> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    const page = await (ahead?.after === this.#position ? ahead.page : this.#read(this.#position));
    const isFull = this.#batch.learn(page.messages);
    const followed = this.#followed.of(page);
    if (isFull) {
      this.#ahead = { after: page.through, page: this.#read(page.through) };
      this.#ahead.page.catch(() => undefined); // heard when its turn comes, if it comes
    }
    return followed;
  }

  #read(after: number): Promise<LogPage> {
    return this.#transaction.reads.log.readLog({ after, limit: this.#batch.limit, ...this.#followed.filter });
  }

  /** Applies a page; if one of its events fails, those before it are committed first. */
  async #advance(messages: readonly StoredMessage[], through: number): Promise<void> {
    const applied = await this.#apply(messages);
    const failed = "writes" in applied ? await this.#refusedCommit(applied.writes, through, messages) : applied;
    if (failed === undefined) return;
    this.#sessions.clear(); // the failed event may have changed rows halfway
    await this.#renewTransaction();
    const before = messages.slice(0, failed.at);
    const last = before.at(-1);
    if (last !== undefined) await this.#advance(before, last.position);
    else if (!(await this.#isOvertaken())) throw this.#failed(messages[0], failed.error);
  }

  /**
   * Commits a page. Where the store refuses what it holds, somewhere in it is an event that has to be found; undefined if it is
   * committed, or another process has come to it.
   */
  async #refusedCommit(
    writes: SessionWrites,
    through: number,
    { length }: readonly StoredMessage[],
  ): Promise<{ at: number; error: unknown } | undefined> {
    const checkpoint = this.#checkpoint;
    try {
      const taken = await this.#commit(writes, through);
      return taken && { at: length >> 1, error: valuesTaken(taken) };
    } catch (error) {
      if (!isNereusError(error, "STORE_FAILED")) throw error;
      if ((await this.#transaction.reads.records.checkpoint(this.name)) !== checkpoint) return undefined;
      this.#checkpoint = checkpoint;
      return { at: length >> 1, error };
    }
  }

  /** Whether another process has applied an event at which this one failed: perhaps for that very reason. */
  async #isOvertaken(): Promise<boolean> {
    if ((await this.#transaction.reads.records.checkpoint(this.name)) === this.#checkpoint) return false;
    this.#forget();
    return true;
  }

  /** The rows that a page comes to, or at which of its events it failed: where that is not known, halfway. */
  async #apply(
    messages: readonly StoredMessage[],
  ): Promise<{ writes: SessionWrites } | { at: number; error: unknown }> {
    let at: number | undefined = 0;
    try {
      const entries: Projected[] = [];
      for (; at < messages.length; at++) entries.push(this.#projected(messages[at] as StoredMessage));
      at = undefined;
      await this.#prefetch(entries);
      for (at = 0; at < entries.length; at++) {
        const entry = entries[at] as Projected;
        const session = this.#session(entry.metadata.tenant);
        if (!session.applyNow(entry)) {
          await this.#runStep(() => projecting(this.projection, this.#runtime.store, () => session.apply(entry)));
        }
      }
      at = undefined;
      const writes = this.#writes();
      assertSizes(this.#runtime.limits, this.projection, { documents: writes.flatMap(([, own]) => own) });
      return { writes };
    } catch (error) {
      if (isNereusError(error) && (error.code.startsWith("STORE_") || error.code === "STOP_FORCED")) {
        this.#forget();
        await this.#renewTransaction();
        throw error; // a fault of the machine is no event's fault
      }
      return { at: at ?? messages.length >> 1, error };
    }
  }

  /** A step that hangs can be ended: it has rows and a transaction of its own, which nobody commits then. */
  async #runStep(step: () => Promise<void>): Promise<void> {
    const since = performance.now();
    await new Promise<void>((resolve, reject) => {
      this.#step = {
        describe: () => `${this.subject}: its step has run for ${secondsSince(since)}`,
        abort: reject,
      };
      step().then(resolve, reject);
    }).finally(() => {
      this.#step = undefined;
    });
  }

  async #prefetch(entries: readonly Projected[]): Promise<void> {
    const byTenant = Map.groupBy(entries, (entry) => entry.metadata.tenant);
    for (const [tenant, own] of byTenant) await this.#session(tenant).prefetch(own);
  }

  #session(tenant: string): RowSession {
    const known = this.#sessions.get(tenant);
    if (known !== undefined) return known;
    const session = new RowSession(
      this.#projector,
      () => this.#transaction.reads.documents,
      tenant,
      () => this.#transaction,
    );
    this.#sessions.set(tenant, session);
    return session;
  }

  #projected(message: StoredMessage): Projected {
    const event = this.#runtime.registry.events.restore(message, message.id);
    if (!this.#projector.steps.has(nameOfEvent(event))) throw this.#withoutStep(message);
    return { event, metadata: storedMetadata(message) };
  }

  #writes(): SessionWrites {
    return [...this.#sessions.values()].map((session) => [session, session.writes(false)]);
  }

  /** Rows and checkpoint in one transaction. If another process moved the checkpoint, its work stands. */
  async #commit(writes: SessionWrites, position: number): Promise<Taken | undefined> {
    const checkpoint = { name: this.name, expected: this.#checkpoint ?? 0, position };
    const documents = writes.flatMap(([, own]) => own);
    const outcome = await this.#store({ documents, checkpoint, notes: this.#sources.asserted });
    if (outcome.status === "conflict" && outcome.conflict.on === "unique") return outcome.conflict;
    if (outcome.status !== "committed") {
      this.#forget();
      return undefined;
    }
    let kept = 0;
    for (const [session, own] of writes) {
      session.written(own);
      kept += session.size;
    }
    for (const { data } of documents) this.#keptCharacters += data?.length ?? 0;
    if (kept > keptRows || this.#keptCharacters > keptCharacters) {
      this.#sessions.clear();
      this.#keptCharacters = 0;
    }
    this.#checkpoint = position;
    this.#position = position;
    return undefined;
  }

  async #store(commit: Commit): Promise<CommitOutcome> {
    try {
      return await this.#transaction.commit(commit);
    } catch (error) {
      this.#forget();
      throw error;
    } finally {
      await this.#renewTransaction();
    }
  }

  async #renewTransaction(): Promise<void> {
    const former = this.#transaction;
    this.#transaction = this.#transactions();
    await former.rollback({ atOnce: true });
  }

  /** Rows in memory are ahead of the store, or behind it: the next step begins with what is stored. */
  #forget(): void {
    this.#sessions.clear();
    this.#checkpoint = undefined;
  }

  #withoutStep({ type }: StoredMessage): Error {
    return new Error(
      `it has no step for ${type}, which its rows follow from in another release: give the projector another version`,
    );
  }

  #failed(message: StoredMessage | undefined, cause: unknown): NereusError {
    const what = message === undefined ? "" : ` at ${message.type}, position ${message.position}`;
    const why = cause instanceof Error ? cause.message : String(cause);
    return new NereusError("PROJECTION_FAILED", `${this.projection} failed${what}: ${why}`, {
      element: this.projection,
      cause,
      fix: "Mend the projector or the data; it goes on from this event by itself.",
    });
  }
}

/** For messages. */
export function projectionSubject({ projection }: ProjectorDefinition): string {
  return `Projection ${projection[definition].name}`;
}

/** Where the rows stop that a release has left out: before the first event that it committed without them. */
async function positionBefore(
  log: LogReader,
  { after, first }: Gap & { readonly first: string },
  types: readonly string[],
): Promise<number> {
  const head = await log.head();
  for (let from = after; from < head; ) {
    const { messages, through } = await log.readLog({ after: from, limit: lookedThrough, types });
    const found = messages.find(({ id }) => id === first);
    if (found !== undefined) return found.position - 1;
    if (through === from) await setTimeout(lag);
    from = through;
  }
  return after;
}

function valuesTaken({ id, holder, fields }: Taken): Error {
  return new Error(`${fields.join(", ")} of row ${id} are those of row ${holder}`);
}
