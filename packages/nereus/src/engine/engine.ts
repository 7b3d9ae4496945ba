import { setTimeout } from "node:timers/promises";
import { refuseInHandler } from "../application/handling.ts";
import { refuseReadOnly } from "../application/read-only.ts";
import type { Runtime } from "../application/registry.ts";
import { secondsSince } from "../application/under-way.ts";
import { NereusError } from "../model/errors.ts";
import type { LogSight } from "./log-sight.ts";
import type { Runner } from "./runner.ts";
import { endsWithin, grace, type StopOptions, spanOfStop, stopForced } from "./stopping.ts";

/** How often an idle engine looks for events that another process appended, in milliseconds. */
const pollEvery = 250;
const longestPause = 10_000;

/**
 * Follows the log while it runs: keeps the async projections up to date, runs the async handlers of events, and handles sent
 * commands that are due. What fails is tried again with growing pauses, and never holds up the others.
 *
 * @example
 * const engine = bank.engine();
 * await engine.start();
 * // … serve …
 * await engine.stop();
 */
export class Engine {
  readonly #runtime: Runtime;
  readonly #sight: LogSight;
  readonly #runners: readonly Runner[];
  #stopping: AbortController | undefined;
  #loops: Promise<void>[] = [];
  /** Settles when every loop that was stopped has ended. */
  #ended: Promise<unknown> = Promise.resolve();
  /** Counts the commits heard of, so that one that comes while a batch runs is not missed. */
  #heard = 0;
  #retired = false;
  #stopListening: (() => void) | undefined;
  /** Since when each works. */
  readonly #busy = new Map<Runner, number>();
  readonly #idle = new Set<() => void>();

  constructor(runtime: Runtime, sight: LogSight, runners: readonly Runner[]) {
    this.#runtime = runtime;
    this.#sight = sight;
    this.#runners = runners;
  }

  /**
   * Starts following the log; a second call changes nothing.
   *
   * @throws NereusError DOMAIN_NOT_STARTED after the domain has stopped; STORE_READ_ONLY where nothing can be written
   */
  async start(): Promise<void> {
    refuseReadOnly(this.#runtime.store, "engine.start");
    if (this.#retired) {
      throw new NereusError("DOMAIN_NOT_STARTED", "The engine's domain has stopped", {
        fix: "Start the domain again and ask it for a new engine.",
      });
    }
    if (this.#stopping !== undefined) return;
    const stopping = new AbortController();
    this.#stopping = stopping;
    this.#stopListening = this.#runtime.store.onCommit(() => this.#wakeAll());
    this.#loops = this.#runners.map((runner) => this.#follow(runner, stopping.signal));
  }

  /**
   * Ends after the batches under way are committed. Handlers and steps that do not end in time are ended by force: nothing of
   * them is stored, and they run again later.
   *
   * @throws NereusError CALLED_IN_HANDLER; STOP_FORCED, which names what did not end
   */
  async stop(options: StopOptions = {}): Promise<void> {
    refuseInHandler(this.#runtime.store, "engine.stop");
    const span = spanOfStop(options);
    const ending = this.#end();
    if (await endsWithin(ending, span)) return;
    const error = stopForced(`The engine of ${this.#runtime.registry.domain}`, span, this.hanging);
    for (const runner of this.#runners) runner.abort(error);
    await endsWithin(ending, grace);
    throw error;
  }

  /** @internal What has not ended: sentences. */
  get hanging(): readonly string[] {
    return [...this.#busy].flatMap(([runner, since]) => {
      const { doing } = runner;
      return doing.length > 0 ? doing : [`${runner.subject} has waited ${secondsSince(since)} for the store`];
    });
  }

  async #end(): Promise<void> {
    const loops = this.#loops;
    this.#loops = [];
    this.#stopping?.abort();
    this.#stopping = undefined;
    this.#stopListening?.();
    this.#wakeAll();
    this.#ended = Promise.all([this.#ended, ...loops]);
    await this.#ended;
  }

  /** @internal Stops for good: the store is about to close. */
  async retire(): Promise<void> {
    this.#retired = true;
    await this.#end();
  }

  async #follow(runner: Runner, signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        const heard = this.#heard;
        this.#busy.set(runner, performance.now());
        await runner.reach(await this.#sight.headFor([runner]), signal);
        this.#busy.delete(runner);
        failures = 0;
        if (heard === this.#heard) await this.#untilWoken(signal);
      } catch (error) {
        this.#busy.delete(runner);
        if (runner.standsStillAfter?.(error) === false) {
          this.#runtime.log.error(`${runner.subject} failed`, error);
          continue;
        }
        this.#runtime.log.error(`${runner.subject} stands still`, error);
        const pause = Math.min(longestPause, 100 * 2 ** failures++);
        await setTimeout(pause, undefined, { signal }).catch(() => undefined); // the only fault is the abort
      }
    }
  }

  /** Until something was committed here, or it is time to look for commits of other processes. */
  #untilWoken(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#idle.delete(wake);
        resolve();
      };
      const timer = globalThis.setTimeout(wake, pollEvery);
      this.#idle.add(wake);
    });
  }

  #wakeAll(): void {
    this.#heard += 1;
    for (const wake of [...this.#idle]) wake();
  }
}
