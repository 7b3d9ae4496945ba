import { setTimeout } from "node:timers/promises";
import type { EventHandlersDefinition, EventHandling } from "../application/event-handlers.ts";
import type { KnownSources } from "../application/event-sources.ts";
import { eventWork, type Once } from "../application/event-work.ts";
import { FollowedMessages } from "../application/followed-messages.ts";
import type { Joining } from "../application/handler-context.ts";
import { frameworkKey } from "../application/idempotency.ts";
import type { Runtime } from "../application/registry.ts";
import { UnderWay } from "../application/under-way.ts";
import type { WorkProcessor } from "../application/work-processor.ts";
import type { StoredMessage } from "../log/message.ts";
import { definition } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import { PageSize } from "./page-size.ts";
import type { Runner } from "./runner.ts";
import { storedCheckpoint } from "./stored-checkpoint.ts";

/** The checkpoint also moves over what concerns no handler, but only in steps this wide. */
const idleStep = 10_000;
/** The longest pause between two tries of a handler, in milliseconds. */
const longestPause = 1000;
/** Milliseconds between two looks for events that are committed but not shown yet. */
const lag = 2;

/** The name under which it is kept how far a list of event handlers has come. */
export function subscriptionOf({ name }: EventHandlersDefinition): string {
  return frameworkKey("events", name);
}

/** For messages. */
export function handlersSubject({ name }: EventHandlersDefinition): string {
  return `The event handlers ${name}`;
}

/**
 * Runs one list of async event handlers, event by event in the order of the log. What a handler does in the store is committed with
 * the step past its event, or under a key of its own where an event has several handlers: it happens once.
 */
export class EventRunner implements Runner {
  readonly #runtime: Runtime;
  readonly #work: WorkProcessor;
  readonly #joining: Joining;
  readonly #own: EventHandlersDefinition;
  #sources: KnownSources;
  #followed: FollowedMessages;
  readonly #page = new PageSize(512);
  /** The checkpoint as stored; undefined until it was read. */
  #checkpoint: number | undefined;
  /** How far it has come; not behind the checkpoint. */
  #position = 0;
  /** Whether an event was handled since the checkpoint was moved. */
  #hasSeen = false;
  #current: Promise<void> | undefined;
  readonly #underWay = new UnderWay();

  constructor(runtime: Runtime, work: WorkProcessor, joining: Joining, own: EventHandlersDefinition) {
    this.#runtime = runtime;
    this.#work = work;
    this.#joining = joining;
    this.#own = own;
    this.#sources = runtime.sources.own;
    this.#followed = this.#follow();
  }

  #follow(): FollowedMessages {
    const types = this.#own.handlings.map(({ event }) => event[definition].name);
    return new FollowedMessages(this.#sources, types, this.#own.categories);
  }

  get subject(): string {
    return handlersSubject(this.#own);
  }

  get doing(): readonly string[] {
    return this.#underWay.descriptions;
  }

  abort(error: NereusError): void {
    this.#underWay.abortAll(error);
  }

  /** @throws NereusError EVENT_HANDLER_FAILED */
  async reach(position: number, signal?: AbortSignal): Promise<void> {
    while (signal?.aborted !== true && (this.#position < position || this.#checkpoint === undefined)) {
      const before = this.#position;
      this.#current ??= this.#step(signal).finally(() => {
        this.#current = undefined;
      });
      await this.#current;
      if (this.#position === before && this.#checkpoint !== undefined) await setTimeout(lag);
    }
  }

  /** Takes everything up to a position as handled: for the test kit, whose given events are past. */
  async skipTo(position: number): Promise<void> {
    const { store } = this.#runtime;
    const name = subscriptionOf(this.#own);
    const expected = await store.records.checkpoint(name);
    if (position > expected) await store.commit({ checkpoint: { name, expected, position } });
    this.#checkpoint = undefined; // the next step begins with what is stored
  }

  async forget(): Promise<void> {
    while (this.#current !== undefined) await this.#current.catch(() => undefined); // whoever waits for it is told
    this.#checkpoint = undefined;
    this.#position = 0;
  }

  async #step(signal: AbortSignal | undefined): Promise<void> {
    const { store, sources } = this.#runtime;
    if (this.#checkpoint === undefined) {
      this.#sources = await sources.read(store.records);
      this.#followed = this.#follow();
      this.#checkpoint = await storedCheckpoint(store, subscriptionOf(this.#own), this.subject);
      this.#position = this.#checkpoint;
    }
    const page = await store.log.readLog({ after: this.#position, limit: this.#page.limit, ...this.#followed.filter });
    if (!(await this.#sources.isCurrent(store.records))) {
      this.#checkpoint = undefined; // the page may lack events of another release's aggregates
      return;
    }
    this.#page.learn(page.messages);
    const { messages, through } = this.#followed.of(page);
    try {
      for (const message of messages) {
        if (signal?.aborted === true) return;
        await this.#handle(message, signal);
        if (this.#checkpoint === undefined) return; // another process is at work: begin again where it is
        this.#position = message.position;
        this.#hasSeen = true;
      }
      this.#position = Math.max(this.#position, through);
    } finally {
      await this.#keepUp();
    }
  }

  /** Every handler of an event runs, also after one has failed. */
  async #handle(message: StoredMessage, signal: AbortSignal | undefined): Promise<void> {
    const handlings = this.#own.handlings.filter(({ event }) => event[definition].name === message.type);
    const failures: unknown[] = [];
    for (const [at, { handle }] of handlings.entries()) {
      const once: Once =
        handlings.length === 1
          ? { checkpoint: this.#moveTo(message.position) }
          : { key: `${subscriptionOf(this.#own)}:${message.type}:${at}:${message.id}` };
      await this.#tryHandling(message, handle, once, signal).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw this.#failed(message, failures);
  }

  async #tryHandling(
    message: StoredMessage,
    handle: EventHandling,
    once: Once,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const work = eventWork(this.#runtime, this.#joining, message, { name: this.#own.name, handle, once });
    for (let attempt = 0; ; attempt++) {
      try {
        const { checkpoint } = await this.#work.perform(work, undefined, this.#underWay);
        if (checkpoint === "superseded") this.#checkpoint = undefined;
        else if (checkpoint === "moved") this.#checkpoint = message.position;
        return;
      } catch (error) {
        if ("checkpoint" in once && (await this.#isOvertaken())) return;
        if (attempt >= this.#own.retries || (await isStopped(attempt, signal))) throw error;
      }
    }
  }

  /** Whether another process has handled an event at which this one failed: perhaps for that very reason. */
  async #isOvertaken(): Promise<boolean> {
    const stored = await this.#runtime.store.records.checkpoint(subscriptionOf(this.#own));
    if (stored === this.#checkpoint) return false;
    this.#checkpoint = undefined;
    return true;
  }

  /** Says how far it has come, where no handler's commit has said it. */
  async #keepUp(): Promise<void> {
    if (this.#checkpoint === undefined || this.#position === this.#checkpoint) return;
    if (!this.#hasSeen && this.#position - this.#checkpoint < idleStep) return;
    this.#hasSeen = false;
    const outcome = await this.#runtime.store.commit({ checkpoint: this.#moveTo(this.#position) });
    this.#checkpoint = outcome.status === "committed" ? this.#position : undefined;
  }

  #moveTo(position: number): { name: string; expected: number; position: number } {
    return { name: subscriptionOf(this.#own), expected: this.#checkpoint ?? 0, position };
  }

  #failed(message: StoredMessage, failures: readonly unknown[]): NereusError {
    const [first] = failures;
    const why = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure))).join("; ");
    const { name } = this.#own;
    const what = `${name} failed at ${message.type}, position ${message.position}: ${why}`;
    return new NereusError("EVENT_HANDLER_FAILED", what, {
      element: name,
      cause: failures.length === 1 ? first : new AggregateError(failures, why),
      fix: "Mend the handler or the data; it goes on from this event by itself.",
    });
  }
}

/** Pauses, longer with each attempt; a stop ends it, and nothing else can. */
async function isStopped(attempt: number, signal: AbortSignal | undefined): Promise<boolean> {
  const pause = Math.min(longestPause, 2 ** attempt * 5);
  await setTimeout(pause, undefined, signal && { signal }).catch(() => undefined);
  return signal?.aborted === true;
}
