import { setImmediate } from "node:timers/promises";
import { AggregateCache } from "../application/aggregate-cache.ts";
import { CheckedClock } from "../application/checked-clock.ts";
import { type CommandProcessor, joiningOf } from "../application/command-processor.ts";
import type { TimeLimit } from "../application/deadline.ts";
import { EventSources } from "../application/event-sources.ts";
import { Fingerprints } from "../application/fingerprints.ts";
import type { Joining } from "../application/handler-context.ts";
import { runInlineHandlers } from "../application/inline-handlers.ts";
import { InlineRegister } from "../application/inline-register.ts";
import { knownProjection } from "../application/projection-views.ts";
import { QueryProcessor } from "../application/query-processor.ts";
import { Receipts } from "../application/receipts.ts";
import type { Registry, Runtime } from "../application/registry.ts";
import { Snapshots } from "../application/snapshots.ts";
import type { StoredShapes } from "../application/stored-shapes.ts";
import { WorkProcessor } from "../application/work-processor.ts";
import { CommandRunner } from "../engine/command-runner.ts";
import type { Engine } from "../engine/engine.ts";
import { EventRunner } from "../engine/event-runner.ts";
import { together } from "../engine/failures.ts";
import { InlineCatchUps } from "../engine/inline-catch-ups.ts";
import { LogSight } from "../engine/log-sight.ts";
import { ProjectionRunner } from "../engine/projection-runner.ts";
import type { Runner } from "../engine/runner.ts";
import { millisecondsOf } from "../model/duration.ts";
import { definition } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import type { ProjectionClass } from "../model/projection.ts";
import type { DomainOptions } from "./domain-options.ts";
import { stateShapeOf } from "./state-shape.ts";
import type { Tenancy } from "./tenancy.ts";

/** Milliseconds between two looks for what has waited long for the store. */
const lookEvery = 1000;

/** What a started domain works with. */
export interface Running {
  readonly runtime: Runtime;
  readonly work: WorkProcessor;
  readonly joining: Joining;
  readonly commands: CommandProcessor;
  readonly receipts: Receipts;
  readonly queries: QueryProcessor;
  readonly inline: InlineCatchUps;
  readonly projections: readonly ProjectionRunner[];
  readonly sentCommands: CommandRunner;
  readonly runners: readonly Runner[];
  readonly sight: LogSight;
  readonly engines: Engine[];
  /** Ends what would not end by itself. */
  readonly stopping: AbortController;
}

export function assemble(registry: Registry, shapes: StoredShapes, options: DomainOptions<Tenancy>): Running {
  const { store, log = console, limits = {} } = options;
  const clock = new CheckedClock(options.clock);
  const runtime: Runtime = {
    registry,
    store,
    cache: new AggregateCache(options.cachedAggregates ?? 10_000, options.cachedCharacters ?? 64_000_000),
    snapshots: new Snapshots({ store, clock, log, limits }, (aggregate) => stateShapeOf(aggregate[definition])),
    clock,
    timeout: options.timeout === undefined ? undefined : millisecondsOf(options.timeout),
    log,
    enrichers: options.enrichers ?? {},
    inline: new InlineRegister(registry.inline, log),
    shapes,
    sources: new EventSources(registry.sources),
    fingerprints: new Fingerprints(),
    retries: options.retries ?? 20,
    limits,
  };
  const inline = new InlineCatchUps(runtime);
  runtime.inline.isCaughtUpBy(inline);
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
  const sentCommands = new CommandRunner(runtime, work, commands);
  const receipts = new Receipts(store, (id) => sentCommands.isAt(id));
  const runners = [...projections, ...handlers, sentCommands];
  const engines: Engine[] = [];
  const sight = new LogSight(runtime);
  const readers = { projections, sentCommands, runners, sight, engines };
  const parts = { runtime, inline, queries, commands, receipts, joining, work, ...readers };
  return { ...parts, stopping: new AbortController() };
}

/** Reports what has waited long for the store, until the domain stops. */
export function watchLongWaits({ work, stopping }: Running): void {
  const watch = setInterval(() => work.lookForLongWaits(), lookEvery);
  watch.unref();
  stopping.signal.addEventListener("abort", () => clearInterval(watch));
}

/** Runs everything that follows the log, until there is nothing left to do. */
export async function settle({ runtime, runners, sight, stopping: { signal } }: Running): Promise<void> {
  const { log } = runtime.store;
  for (;;) {
    await runtime.snapshots.written();
    await log.completeHead?.();
    const head = await sight.headFor(runners, 0);
    const failures: unknown[] = [];
    for (const runner of runners) {
      await runner.reach(head, signal, true).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw together(failures);
    if ((await (log.completeHead ?? log.head).call(log)) === head && !signal.aborted) return;
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

/** @param limit of the command, which binds this wait too */
export async function visible(
  awaited: readonly (ProjectionRunner | undefined)[],
  position: number,
  subject: string,
  limit: TimeLimit | undefined,
): Promise<void> {
  for (const runner of awaited) {
    if (runner === undefined) continue;
    const giveUp = new AbortController();
    const reached = runner.reach(position, giveUp.signal);
    const where = `: it is stored, and waits for ${runner.projection}`;
    await (limit?.bound(reached, () => limit.exceeded(subject, where)) ?? reached).catch((cause: unknown) => {
      giveUp.abort();
      throw new NereusError("VISIBILITY_FAILED", `The command is stored, but ${runner.projection} does not show it`, {
        element: runner.projection,
        cause,
        fix: "Do not send the command again; mend the projection (see cause).",
      });
    });
  }
}
