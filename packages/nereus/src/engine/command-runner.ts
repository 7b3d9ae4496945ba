import { setTimeout } from "node:timers/promises";
import type { CommandProcessor } from "../application/command-processor.ts";
import { decodeExtensions } from "../application/enrichers.ts";
import type { Claim } from "../application/idempotency.ts";
import type { Runtime } from "../application/registry.ts";
import {
  effectKeyOf,
  endKeyOf,
  endOf,
  restoreSent,
  type SentCommand,
  sentCommand,
} from "../application/sent-command.ts";
import { UnderWay } from "../application/under-way.ts";
import type { Work } from "../application/work.ts";
import type { WorkProcessor } from "../application/work-processor.ts";
import { type ErrorCode, isNereusError, NereusError } from "../model/errors.ts";
import type { CheckpointMove, LogPage } from "../ports/store.ts";
import { CommandRegister } from "./command-register.ts";
import { CommandTimers } from "./command-timers.ts";
import { together } from "./failures.ts";
import { PageSize } from "./page-size.ts";
import type { Runner } from "./runner.ts";
import { storedCheckpoint } from "./stored-checkpoint.ts";
import { type Waiting, WaitingCommands } from "./waiting-commands.ts";

/** The name under which it is kept how far they are handled. */
export const commandsCheckpoint = "commands";
export const commandsSubject = "The handling of sent commands";
/** Milliseconds between two looks for commands that are committed but not shown yet. */
const lag = 2;
/** How often a failing command is tried at once before it waits. */
const tries = 3;
/** The checkpoint also moves over what is no command, but only in steps this wide. */
const idleStep = 10_000;
const longestPause = 10_000;

/**
 * Handles sent commands: of those that are due, the more urgent first, then in the order in which they were sent. Each takes
 * effect once, by a key that commits with it; a refused one is remembered as such.
 */
export class CommandRunner implements Runner {
  readonly subject = "A sent command";
  readonly #runtime: Runtime;
  readonly #work: WorkProcessor;
  readonly #commands: CommandProcessor;
  readonly #waiting = new WaitingCommands();
  readonly #timers: CommandTimers;
  readonly #register: CommandRegister;
  readonly #page = new PageSize(512);
  /** Everything up to here is done, and nothing will be read again. */
  #checkpoint: number | undefined;
  #position = 0;
  /** Whether a command was done, or given a timer, since the checkpoint was moved. */
  #hasDone = false;
  #current: Promise<void> | undefined;
  /** The command whose handler runs. */
  #handled: string | undefined;
  readonly #underWay = new UnderWay();

  constructor(runtime: Runtime, work: WorkProcessor, commands: CommandProcessor) {
    this.#runtime = runtime;
    this.#work = work;
    this.#commands = commands;
    this.#timers = new CommandTimers(runtime.store);
    this.#register = new CommandRegister(runtime.registry);
  }

  /** At the start of the domain. */
  begin(): Promise<void> {
    return this.#register.begin(this.#runtime.store, commandsCheckpoint);
  }

  /** What failed is put aside for a while. */
  standsStillAfter(error: unknown): boolean {
    return !isNereusError(error, "SENT_COMMAND_FAILED") && !isNereusError(error, "SETTLE_FAILED");
  }

  get doing(): readonly string[] {
    return this.#underWay.descriptions;
  }

  abort(error: NereusError): void {
    this.#underWay.abortAll(error);
  }

  /** @throws NereusError SENT_COMMAND_FAILED */
  async reach(position: number, signal?: AbortSignal, now: boolean = signal === undefined): Promise<void> {
    if (now) this.#waiting.endPauses(); // whoever asks for it now wants to know now
    while (signal?.aborted !== true && this.#isBehind(position)) {
      const before = this.#position;
      this.#current ??= this.#step(signal).finally(() => {
        this.#current = undefined;
      });
      await this.#current;
      if (this.#position === before && this.#next() === undefined && this.#isBehind(position)) await setTimeout(lag);
    }
  }

  #isBehind(position: number): boolean {
    if (this.#position < position || this.#checkpoint === undefined) return true;
    return this.#next() !== undefined || this.#waiting.lacking !== undefined || this.#hasDueTimers;
  }

  async #step(signal: AbortSignal | undefined): Promise<void> {
    await this.#read();
    const failures: unknown[] = [];
    for (let next = this.#next(); next !== undefined && signal?.aborted !== true; next = this.#next()) {
      await this.#handle(next).catch((error: unknown) => failures.push(error));
      await this.#read(); // a more urgent one may have come
    }
    await this.#keepUp();
    if (failures.length > 0) throw together(failures);
  }

  async #read(): Promise<void> {
    const { store } = this.#runtime;
    if (this.#checkpoint === undefined) {
      await this.#register.load(store);
      this.#checkpoint = await storedCheckpoint(store, commandsCheckpoint, commandsSubject);
      this.#position = this.#checkpoint;
    }
    for (let isFull = true; isFull; ) {
      const { messages, through } = await this.#pageAfter(this.#position);
      isFull = this.#page.learn(messages);
      await this.#sort(messages.filter((message) => this.#register.has(message)).map(sentCommand));
      this.#position = Math.max(this.#position, through);
    }
    await this.#readOn();
    if (this.#hasDueTimers) await this.#timers.addDue(this.#now(), this.#waiting);
  }

  #pageAfter(after: number): Promise<LogPage> {
    return this.#runtime.store.log.readLog({ after, limit: this.#page.limit, ...this.#register.filter });
  }

  /** Takes up what was left in the log, where there is room for it. What was for later then has a timer. */
  async #readOn(): Promise<void> {
    for (let lane = this.#waiting.lacking; lane !== undefined; lane = this.#waiting.lacking) {
      const { messages, through } = await this.#pageAfter(lane.after);
      const isFull = this.#page.learn(messages);
      const now = this.#now();
      const known = messages.filter((message) => message.position <= this.#position && this.#register.has(message));
      const hasMore = isFull && through < this.#position;
      this.#waiting.readOn(
        lane.rank,
        known.map(sentCommand).filter(({ at }) => at <= now),
        hasMore ? through : undefined,
      );
    }
  }

  get #hasDueTimers(): boolean {
    return this.#timers.isDue(this.#now(), this.#waiting);
  }

  /** Those that are due wait here, those for later have a timer. */
  async #sort(sent: readonly SentCommand[]): Promise<void> {
    const now = this.#now();
    const later = sent.filter(({ at }) => at > now);
    await this.#timers.set(later);
    for (const one of sent) if (one.at <= now) this.#waiting.add(one);
    if (later.length > 0) this.#hasDone = true;
  }

  #now(): number {
    return this.#runtime.clock.now().getTime();
  }

  #next(): Waiting | undefined {
    return this.#waiting.next(this.#now());
  }

  /** Whether the handler of a command runs at this moment. */
  isAt(commandId: string): boolean {
    return this.#handled === commandId;
  }

  async #handle(waiting: Waiting): Promise<void> {
    let refusal: NereusError | undefined;
    this.#handled = waiting.id;
    const sent = waiting.sent ?? (await this.#readAgain(waiting));
    try {
      refusal = await this.#process(sent);
    } catch (error) {
      if (!(await this.#isDone(sent))) {
        waiting.failures += 1;
        if (waiting.failures % tries !== 0) return;
        this.#setAside(waiting);
        throw failed(sent, error);
      }
    } finally {
      this.#handled = undefined;
    }
    this.#waiting.delete(waiting);
    this.#timers.done(sent);
    this.#hasDone = true;
    if (refusal !== undefined) throw failed(sent, refusal);
  }

  #setAside(waiting: Waiting): void {
    waiting.notBefore = performance.now() + Math.min(longestPause, 100 * 2 ** (waiting.failures / tries));
    this.#waiting.letGo(waiting);
  }

  async #readAgain(waiting: Waiting): Promise<SentCommand> {
    try {
      const [message] = await this.#runtime.store.log.readStream(waiting.stream, { limit: 1 });
      if (message === undefined) throw new Error(`the log has no sent command ${waiting.id}`);
      return sentCommand(message);
    } catch (error) {
      this.#handled = undefined;
      waiting.failures += tries;
      this.#setAside(waiting);
      throw error;
    }
  }

  /** Answers why it was refused, if it was, and that was not known yet. */
  async #process(sent: SentCommand): Promise<NereusError | undefined> {
    const work = this.#workOf(sent);
    if (sent.key !== undefined && (await this.#wasRefused(sent))) return undefined;
    try {
      await this.#work.perform(work, undefined, this.#underWay);
      return undefined;
    } catch (error) {
      if (!isRefusal(error) || !this.#isFinal(error, sent)) throw error;
      return (await this.#refuse(sent, error)) ? error : undefined;
    }
  }

  /** The time of one try may be up while the command itself has more. */
  #isFinal(error: NereusError, { deadline }: SentCommand): boolean {
    return error.code !== "DEADLINE_EXCEEDED" || (deadline !== undefined && deadline.getTime() <= this.#now());
  }

  #workOf(sent: SentCommand): Work {
    const { message, key, deadline } = sent;
    const { stream, correlationId, causationId, traceparent, extensions } = message;
    const route = this.#runtime.registry.commands.get(message.type);
    if (route === undefined) throw unknownCommand(message.type);
    const work = this.#commands.workOf(
      restoreSent(route, sent),
      {
        tenant: stream.tenant,
        idempotencyKey: key,
        correlationId,
        deadline,
        extensions: decodeExtensions(extensions),
        ...(causationId === null ? {} : { causationId }),
        ...(traceparent === null ? {} : { traceparent }),
      },
      false,
    );
    const checkpoint = endOf(message, key);
    if (key !== undefined) return { ...work, checkpoint };
    // nobody reads the result of one without a key, so it need not be JSON
    const run: Work["run"] = (unit) => Promise.resolve(work.run(unit)).then(() => undefined);
    return { ...work, run, claim: claimOn(sent, effectKeyOf(message)) };
  }

  /** Whether another process has done what fails here: perhaps one that knows the command. */
  async #isDone(sent: SentCommand): Promise<boolean> {
    const { tenant } = sent.message.stream;
    const record = await this.#runtime.store.records
      .idempotency(tenant, sent.key ?? effectKeyOf(sent.message))
      .catch(() => undefined);
    return record !== undefined || (sent.key !== undefined && (await this.#wasRefused(sent).catch(() => false)));
  }

  async #wasRefused(sent: SentCommand): Promise<boolean> {
    const { tenant, key } = refusalOf(sent);
    return (await this.#runtime.store.records.idempotency(tenant, key)) !== undefined;
  }

  /** Remembers that a command was refused, so that it is not tried again; false if another process had an outcome before. */
  async #refuse(sent: SentCommand, { code, message }: NereusError): Promise<boolean> {
    const result = JSON.stringify({ refused: { code, message } });
    const outcome = await this.#runtime.store.commit({ idempotency: { ...refusalOf(sent), result } });
    return outcome.status === "committed";
  }

  /** Takes the timers of what is done back, and moves the checkpoint up to the first command that waits without one. */
  async #keepUp(): Promise<void> {
    const move = this.#move();
    const timers = this.#timers.writes;
    if (move === undefined && timers.length === 0) return;
    const moved = move === undefined ? {} : { checkpoint: move, notes: this.#register.asserted };
    const outcome = await this.#runtime.store.commit({ timers, ...moved });
    if (outcome.status === "committed") {
      this.#timers.takenBack(timers);
      this.#checkpoint = move?.position ?? this.#checkpoint;
      return;
    }
    this.#forget(); // another process is at work: begin again where it is
  }

  async forget(): Promise<void> {
    while (this.#current !== undefined) await this.#current.catch(() => undefined); // whoever waits for it is told
    this.#forget();
  }

  #forget(): void {
    this.#checkpoint = undefined;
    this.#position = 0;
    this.#waiting.clear();
    this.#timers.reset();
  }

  #move(): CheckpointMove | undefined {
    if (this.#checkpoint === undefined) return undefined;
    const { lowest } = this.#waiting;
    const position = lowest === undefined ? this.#position : lowest - 1;
    const moved = position - this.#checkpoint;
    if (moved <= 0 || (!this.#hasDone && moved < idleStep)) return undefined;
    this.#hasDone = false;
    return { name: commandsCheckpoint, expected: this.#checkpoint, position };
  }
}

/** What the model or the caller forbids: trying again would not help. */
const refusals: ReadonlySet<string> = new Set<ErrorCode>([
  "VALIDATION_FAILED",
  "VALUE_TOO_DEEP",
  "MESSAGE_TOO_LARGE",
  "COMMIT_TOO_LARGE",
  "INVARIANT_FAILED",
  "PRECONDITION_FAILED",
  "REFUSED",
  "STATUS_TRANSITION_FORBIDDEN",
  "AGGREGATE_NOT_FOUND",
  "AGGREGATE_EXISTS",
  "UNIQUE_VIOLATED",
  "ENTITY_DUPLICATE",
  "ENTITY_NOT_FOUND",
  "DEADLINE_EXCEEDED",
  "IDEMPOTENCY_KEY_REUSED",
]);

function isRefusal(error: unknown): error is NereusError {
  if (!isNereusError(error)) return false;
  if (error.code === "EVENT_HANDLERS_FAILED") return (error.cause as AggregateError).errors.every(isRefusal);
  return refusals.has(error.code);
}

function claimOn({ message }: SentCommand, key: string): Claim {
  return { tenant: message.stream.tenant, key, fingerprint: message.type };
}

function refusalOf(sent: SentCommand): Claim {
  return claimOn(sent, endKeyOf(sent.message, sent.key));
}

function failed({ message }: SentCommand, cause: unknown): NereusError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const isFinal = isRefusal(cause);
  return new NereusError("SENT_COMMAND_FAILED", `The sent ${message.type} ${message.id} failed: ${why}`, {
    element: message.type,
    cause,
    fix: isFinal ? "It was refused, and is not tried again; send another one." : "Mend the cause; it is tried again.",
  });
}

function unknownCommand(name: string): NereusError {
  return new NereusError("UNKNOWN_COMMAND", `A sent ${name} waits, but nothing handles it any more`, {
    element: name,
    fix: "Keep the handler until every sent command of this type is done.",
  });
}
