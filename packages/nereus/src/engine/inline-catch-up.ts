import { clearTimeout, setTimeout } from "node:timers";
import { type InlineEntry, InlineState, projectionNamed } from "../application/inline-state.ts";
import { checkpointOf, type ProjectorDefinition } from "../application/projector.ts";
import type { Runtime } from "../application/registry.ts";
import { UnitTransaction } from "../application/unit-transaction.ts";
import { definition } from "../model/element.ts";
import type { Commit, NoteWrite } from "../ports/store.ts";
import { unlessHeldUp } from "./held-up.ts";
import { always, ProjectionRunner } from "./projection-runner.ts";

/** How often a command tries to bring the last events in, and how long it waits for those before them, in milliseconds. */
const forWork = { rounds: 3, patience: 1000 };
/** How often it is tried beside the commands. */
const roundsBeside = 10;
/**
 * Milliseconds until it is tried again where another release left the projection out soon after it was complete: both would
 * do nothing else. Meanwhile commands leave it out as well.
 */
const pauses = { first: 25, most: 2000, soon: 1000 };

/**
 * Brings one inline projection up to date: reads the events that its rows lack, says that it is about to end, so that whoever leaves
 * one more out has to change the register, reads what came meanwhile, and says that it is complete.
 */
export class InlineCatchUp {
  readonly #runtime: Runtime;
  readonly #projector: ProjectorDefinition;
  readonly #name: string;
  readonly #given: UnitTransaction;
  /** Of this process: one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #underWay: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;
  #isReported = false;
  #pause = 0;
  #pausedUntil = 0;
  #completedAt = Number.NEGATIVE_INFINITY;

  /** @param given in which the rows are written, where a caller has begun it */
  constructor(
    runtime: Runtime,
    projector: ProjectorDefinition,
    given: UnitTransaction = new UnitTransaction(runtime.store, undefined),
  ) {
    this.#runtime = runtime;
    this.#projector = projector;
    this.#name = checkpointOf(projector);
    this.#given = given;
  }

  /** True where the rows never had every event. */
  get isNew(): boolean {
    return this.#runtime.inline.state.entries.get(this.#name)?.gap?.first === null;
  }

  /** @throws NereusError PROJECTION_FAILED where the rows never had every event */
  async start(rounds: number): Promise<void> {
    const { isNew } = this;
    try {
      if (!(await this.#next(() => this.#complete(rounds)))) this.#later();
    } catch (error) {
      if (isNew) throw error;
      this.#failed(error);
    }
  }

  /** For a command: waits until the rows have every event, unless other releases leave it out again and again. */
  beforeWork(): Promise<void> | undefined {
    if (performance.now() < this.#pausedUntil) {
      this.#later();
      return undefined;
    }
    this.#underWay ??= this.try().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  /** What fails is reported, and holds up no command. */
  async try(): Promise<void> {
    const patience = AbortSignal.timeout(forWork.patience);
    try {
      if (await this.#next(() => this.#complete(forWork.rounds, patience))) return;
      this.#waitLonger();
      this.#later();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** @throws NereusError PROJECTION_FAILED; STORE_LOCKED where a transaction that does not end holds the writers up */
  async reachHead(): Promise<void> {
    const reached = this.#next(async () => this.#runner().reach(await this.#given.reads.log.head()));
    if (this.#given.isJoined) return reached;
    const what = `The rows of ${projectionNamed(this.#projector)} lack events of another release, which are to be brought in`;
    await unlessHeldUp(this.#runtime.store, what, reached);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    await this.#turn.catch(() => undefined);
  }

  #next<T>(step: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(step, step);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #runner(): ProjectionRunner {
    return new ProjectionRunner(this.#runtime, this.#projector, () => this.#given.another());
  }

  /** @returns whether the rows have every event, and commands write them from now on */
  async #complete(rounds: number, patience?: AbortSignal): Promise<boolean> {
    const { log } = this.#given.reads;
    for (let round = 0; round < rounds && !this.#stopping; round++) {
      if ((await this.#entry()).entry?.gap === undefined) return this.#completed();
      const runner = this.#runner();
      await runner.reach(await log.head(), patience);
      if (patience?.aborted === true) return false;
      const closing = await this.#closing();
      if (closing === undefined) continue;
      await runner.reach(await log.head());
      if (await this.#close(closing, runner.checkpoint)) return this.#completed();
    }
    return false;
  }

  async #entry(): Promise<{ readonly state: InlineState; readonly entry: InlineEntry | undefined }> {
    const { isJoined, reads } = this.#given;
    const state = await this.#runtime.inline.stateIn(reads, isJoined);
    return { state, entry: state.entries.get(this.#name) };
  }

  /** Says that the last events are being brought in. @returns the register as it then is, if nobody else changed it */
  async #closing(): Promise<InlineState | undefined> {
    const { state, entry } = await this.#entry();
    if (entry?.gap === undefined || entry.gap.closing === true) return entry?.gap === undefined ? undefined : state;
    const note = state.with(new Map([[this.#name, { ...entry, gap: { ...entry.gap, closing: true } }]]));
    if (!(await this.#write({ notes: [note] }, note))) return undefined;
    return new InlineState({ name: note.name, revision: note.expected + 1, data: note.data ?? "" }, [this.#projector]);
  }

  /** Nobody has left an event out since the register says that this is about to end: it would have changed it. */
  async #close(closing: InlineState, expected: number | undefined): Promise<boolean> {
    const { types = [] } = closing.entries.get(this.#name) ?? {};
    if (expected === undefined) return false;
    const note = closing.with(new Map([[this.#name, { types }]]));
    return this.#write({ checkpoint: { name: this.#name, expected, position: always }, notes: [note] }, note);
  }

  async #write(commit: Commit, note: NoteWrite): Promise<boolean> {
    const outcome = await this.#given.another().commit(commit);
    if (outcome.status !== "committed") return false;
    if (!this.#given.isJoined) this.#runtime.inline.wrote(note);
    return true;
  }

  #completed(): true {
    const now = performance.now();
    const isSoon = now - this.#completedAt < this.#pause + pauses.soon;
    this.#completedAt = now;
    this.#isReported = false;
    if (isSoon) this.#waitLonger();
    else this.#pause = 0;
    return true;
  }

  /** Where rows refuse commands because values are taken, commands leave them out only if they cannot help it. */
  #waitLonger(): void {
    const isUnique = this.#projector.projection[definition].unique.length > 0;
    this.#pause = isUnique ? 0 : Math.min(pauses.most, Math.max(pauses.first, this.#pause * 2));
    this.#pausedUntil = performance.now() + this.#pause;
  }

  #failed(error: unknown): void {
    if (!this.#isReported) {
      const what = `The rows of the inline ${projectionNamed(this.#projector)} lack events of another release, and cannot be brought up to date`;
      this.#runtime.log.error(`${what}: commands leave them as they are`, error);
    }
    this.#isReported = true;
    this.#pause = pauses.most;
    this.#pausedUntil = performance.now() + this.#pause;
    this.#later();
  }

  /** Goes on beside the commands. */
  #later(): void {
    if (this.#timer !== undefined || this.#stopping || this.#given.isJoined) return;
    if (!this.#runtime.store.capabilities.has("transactional")) return; // a commit that is on its way would not notice
    const pause = Math.max(pauses.first, this.#pausedUntil - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#next(() => this.#complete(roundsBeside)).then(
        (isComplete) => {
          if (isComplete || this.#stopping) return;
          this.#waitLonger();
          this.#later();
        },
        (error: unknown) => {
          if (!this.#stopping) this.#failed(error);
        },
      );
    }, pause).unref();
  }
}
