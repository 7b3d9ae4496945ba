import { setTimeout } from "node:timers/promises";
import type { CommandProcessor } from "../application/command-processor.ts";
import { decodeExtensions } from "../application/enrichers.ts";
import type { Runtime } from "../application/registry.ts";
import { restoreSent, type SentCommand, sentCommand } from "../application/sent-command.ts";
import type { Work, WorkProcessor } from "../application/work-processor.ts";
import { type ErrorCode, isNereusError, NereusError } from "../model/errors.ts";
import { together } from "./failures.ts";
import type { Runner } from "./runner.ts";

const checkpoint = "commands";
/** Commands per read. */
const page = 200;
/** Milliseconds between two looks for commands that are committed but not shown yet. */
const lag = 2;
/** How often a failing command is tried at once before it waits. */
const tries = 3;
/** The checkpoint also moves over what is no command, but only in steps this wide. */
const idleStep = 10_000;
const longestPause = 10_000;

/** A command that waits, and since when it may be tried again after it has failed. */
interface Waiting extends SentCommand {
  failures: number;
  notBefore: number;
}

/**
 * Handles sent commands: of those that are due, the more urgent first, then in the order in which they were sent. Each takes
 * effect once, by a key that commits with it; a refused one is remembered as such.
 */
export class CommandRunner implements Runner {
  readonly subject = "A sent command";
  readonly #runtime: Runtime;
  readonly #work: WorkProcessor;
  readonly #commands: CommandProcessor;
  /** By position, lowest first. */
  readonly #waiting = new Map<number, Waiting>();
  /** Everything up to here is done, and nothing will be read again. */
  #checkpoint: number | undefined;
  #position = 0;
  /** Whether a command was done since the checkpoint was moved. */
  #hasDone = false;
  #current: Promise<void> | undefined;

  constructor(runtime: Runtime, work: WorkProcessor, commands: CommandProcessor) {
    this.#runtime = runtime;
    this.#work = work;
    this.#commands = commands;
  }

  /** @throws NereusError SENT_COMMAND_FAILED */
  async reach(position: number, signal?: AbortSignal): Promise<void> {
    while (signal?.aborted !== true && (this.#position < position || this.#next() !== undefined)) {
      const before = this.#position;
      this.#current ??= this.#step(signal).finally(() => {
        this.#current = undefined;
      });
      await this.#current;
      if (this.#position === before && this.#next() === undefined && before < position) await setTimeout(lag);
    }
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
      this.#checkpoint = await store.records.checkpoint(checkpoint);
      this.#position = this.#checkpoint;
    }
    for (;;) {
      const { messages, through } = await store.log.readLog({ after: this.#position, limit: page, kinds: ["command"] });
      for (const message of messages) {
        this.#waiting.set(message.position, { ...sentCommand(message), failures: 0, notBefore: 0 });
      }
      this.#position = Math.max(this.#position, through);
      if (messages.length < page) return;
    }
  }

  /** The most urgent of those that are due. */
  #next(): Waiting | undefined {
    const now = this.#runtime.clock.now().getTime();
    let best: Waiting | undefined;
    for (const one of this.#waiting.values()) {
      if (one.at > now || one.notBefore > Date.now()) continue;
      if (best === undefined || one.rank > best.rank) best = one;
    }
    return best;
  }

  async #handle(sent: Waiting): Promise<void> {
    const { message } = sent;
    try {
      if (!(await this.#isRefused(sent))) await this.#process(sent);
      this.#waiting.delete(message.position);
      this.#hasDone = true;
    } catch (error) {
      if (isRefusal(error)) {
        await this.#refuse(sent, error);
        this.#waiting.delete(message.position);
        this.#hasDone = true;
      } else {
        sent.failures += 1;
        if (sent.failures % tries !== 0) return;
        sent.notBefore = Date.now() + Math.min(longestPause, 100 * 2 ** (sent.failures / tries));
      }
      throw failed(sent, error);
    }
  }

  async #process(sent: SentCommand): Promise<void> {
    const { message, key, deadline } = sent;
    const { stream, correlationId, causationId, traceparent, extensions } = message;
    const route = this.#runtime.registry.commands.get(message.type);
    if (route === undefined) throw unknownCommand(message.type);
    const work = this.#commands.workOf(restoreSent(route, sent), {
      tenant: stream.tenant,
      idempotencyKey: key ?? keyOf(sent),
      correlationId,
      deadline,
      extensions: decodeExtensions(extensions),
      ...(causationId === null ? {} : { causationId }),
      ...(traceparent === null ? {} : { traceparent }),
    });
    // nobody reads the result of one without a key, so it need not be JSON
    const run: Work["run"] =
      key === undefined ? (unit) => Promise.resolve(work.run(unit)).then(() => undefined) : work.run;
    await this.#work.perform({ ...work, run });
  }

  async #isRefused(sent: SentCommand): Promise<boolean> {
    const { tenant } = sent.message.stream;
    return (await this.#runtime.store.records.idempotency(tenant, `${keyOf(sent)}:refused`)) !== undefined;
  }

  /** Remembers that a command was refused, so that it is not tried again. */
  async #refuse(sent: SentCommand, { code, message: text }: NereusError): Promise<void> {
    const { tenant } = sent.message.stream;
    const result = JSON.stringify({ refused: { code, message: text } });
    await this.#runtime.store.commit({
      idempotency: { tenant, key: `${keyOf(sent)}:refused`, fingerprint: sent.message.type, result },
    });
  }

  /** The checkpoint moves up to the first command that still waits. */
  async #keepUp(): Promise<void> {
    const first = Math.min(...this.#waiting.keys());
    const position = Number.isFinite(first) ? first - 1 : this.#position;
    const moved = this.#checkpoint === undefined ? 0 : position - this.#checkpoint;
    if (this.#checkpoint === undefined || moved <= 0 || (!this.#hasDone && moved < idleStep)) return;
    this.#hasDone = false;
    const move = { name: checkpoint, expected: this.#checkpoint, position };
    const outcome = await this.#runtime.store.commit({ checkpoint: move });
    if (outcome.status === "committed") {
      this.#checkpoint = position;
      return;
    }
    this.#checkpoint = undefined; // another process is at work: begin again where it is
    this.#waiting.clear();
  }
}

/** What the model or the caller forbids: trying again would not help. */
const refusals: ReadonlySet<string> = new Set<ErrorCode>([
  "VALIDATION_FAILED",
  "INVARIANT_FAILED",
  "PRECONDITION_FAILED",
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
  return isNereusError(error) && refusals.has(error.code);
}

/** The key under which a sent command takes effect once. */
function keyOf({ message }: SentCommand): string {
  return `sent:${message.id}`;
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
