import { setImmediate } from "node:timers/promises";
import { AggregateCache } from "../application/aggregate-cache.ts";
import { CheckedClock } from "../application/checked-clock.ts";
import { type CommandProcessor, joiningOf } from "../application/command-processor.ts";
import type { Joining } from "../application/handler-context.ts";
import { runInlineHandlers } from "../application/inline-handlers.ts";
import { knownProjection } from "../application/projection-views.ts";
import { QueryProcessor } from "../application/query-processor.ts";
import type { Registry, Runtime } from "../application/registry.ts";
import { Snapshots } from "../application/snapshots.ts";
import { WorkProcessor } from "../application/work-processor.ts";
import { CommandRunner } from "../engine/command-runner.ts";
import type { Engine } from "../engine/engine.ts";
import { EventRunner } from "../engine/event-runner.ts";
import { together } from "../engine/failures.ts";
import { ProjectionRunner } from "../engine/projection-runner.ts";
import type { Runner } from "../engine/runner.ts";
import { definition } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import type { ProjectionClass } from "../model/projection.ts";
import type { DomainOptions } from "./domain-options.ts";
import { stateShapeOf } from "./state-shape.ts";

/** What a started domain works with. */
export interface Running {
  readonly runtime: Runtime;
  readonly work: WorkProcessor;
  readonly joining: Joining;
  readonly commands: CommandProcessor;
  readonly queries: QueryProcessor;
  readonly projections: readonly ProjectionRunner[];
  readonly runners: readonly Runner[];
  readonly engines: Engine[];
  /** Commands under way, and what to call when there is none any more. */
  inFlight: number;
  whenIdle: (() => void) | undefined;
  /** Ends what would not end by itself. */
  readonly stopping: AbortController;
}

export function assemble(registry: Registry, options: DomainOptions): Running {
  const { store, log = console, limits = {} } = options;
  const clock = new CheckedClock(options.clock ?? { now: () => new Date() });
  const runtime: Runtime = {
    registry,
    store,
    cache: new AggregateCache(options.cachedAggregates ?? 10_000),
    snapshots: new Snapshots({ store, clock, log, limits }, (aggregate) => stateShapeOf(aggregate[definition])),
    clock,
    log,
    enrichers: options.enrichers ?? {},
    retries: options.retries ?? 20,
    limits,
  };
  const queries = new QueryProcessor(runtime);
  const { commands, joining } = joiningOf(runtime, queries);
  const hasInline = registry.eventHandlers.some((own) => own.run === "inline");
  const work = new WorkProcessor(runtime, hasInline ? (unit) => runInlineHandlers(runtime, unit, joining) : undefined);
  const projections = [...registry.projectors.values()]
    .filter((own) => own.run === "async")
    .map((own) => new ProjectionRunner(runtime, own));
  const handlers = registry.eventHandlers
    .filter((own) => own.run === "async")
    .map((own) => new EventRunner(runtime, work, joining, own));
  const runners = [...projections, ...handlers, new CommandRunner(runtime, work, commands)];
  const engines: Engine[] = [];
  const parts = { runtime, queries, commands, joining, work, projections, runners, engines };
  return { ...parts, inFlight: 0, whenIdle: undefined, stopping: new AbortController() };
}

/** Counts what is under way, so that a stop can wait for it. */
export async function counted<T>(running: Running, work: () => Promise<T>): Promise<T> {
  running.inFlight += 1;
  try {
    return await work();
  } finally {
    running.inFlight -= 1;
    if (running.inFlight === 0) running.whenIdle?.();
  }
}

/** Runs everything that follows the log, until there is nothing left to do. */
export async function settle({ runtime, runners, stopping: { signal } }: Running): Promise<void> {
  const { log } = runtime.store;
  for (;;) {
    await runtime.snapshots.written();
    const head = await log.head();
    const failures: unknown[] = [];
    for (const runner of runners) {
      await runner.reach(head, signal, true).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw together(failures);
    if ((await log.head()) === head && !signal.aborted) return;
    if (signal.aborted) throw stoppedFirst(runtime.registry.domain);
    await setImmediate(); // a circle on a store in memory would let nobody else do anything, not even stop it
  }
}

function stoppedFirst(name: string): NereusError {
  return new NereusError("DOMAIN_NOT_STARTED", `Domain ${name} was stopped before it had settled`, {
    element: name,
    fix: "Await settle before stop; what is left is done when the domain is started again.",
  });
}

/** Undefined for an inline projection, which is never behind. */
export function runnerOf({ runtime, projections }: Running, projection: ProjectionClass): ProjectionRunner | undefined {
  const known = knownProjection(runtime.registry, projection)[definition].name;
  return projections.find((runner) => runner.projection === known);
}

export async function visible(awaited: readonly (ProjectionRunner | undefined)[], position: number): Promise<void> {
  for (const runner of awaited) {
    await runner?.reach(position).catch((cause: unknown) => {
      throw new NereusError("VISIBILITY_FAILED", `The command is stored, but ${runner.projection} does not show it`, {
        element: runner.projection,
        cause,
        fix: "Do not send the command again; mend the projection (see cause).",
      });
    });
  }
}
