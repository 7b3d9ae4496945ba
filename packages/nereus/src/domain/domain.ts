import { AggregateCache } from "../application/aggregate-cache.ts";
import { CommandProcessor } from "../application/command-processor.ts";
import type { Clock, Log } from "../application/context.ts";
import { assertOptions, type ProcessOptions } from "../application/process-options.ts";
import { knownProjection, QueryProcessor } from "../application/query-processor.ts";
import type { Registry, Runtime } from "../application/registry.ts";
import type { View } from "../application/view.ts";
import { Engine } from "../engine/engine.ts";
import { settleInlineProjections } from "../engine/inline-start.ts";
import { ProjectionRunner } from "../engine/projection-runner.ts";
import { definition, type Element } from "../model/element.ts";
import { ModelError, type ModelFault, NereusError } from "../model/errors.ts";
import type { Returning } from "../model/message.ts";
import type { ProjectionClass } from "../model/projection.ts";
import type { Store } from "../ports/store.ts";
import { collectionsOf } from "./collections.ts";
import { checkModel } from "./model-check.ts";

export interface DomainOptions {
  /** Aggregates, projections, and what `commandHandlers`, `queryHandlers` and `projector` return. */
  readonly elements: readonly Element[];
  /** `memory()` or `sqlite(path)`: one of its own for each domain, which opens and closes it. */
  readonly store: Store;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
  /** Default: `console`. */
  readonly log?: Log | undefined;
  /** How often a command is tried again after a conflict, with growing pauses. Default: 20. */
  readonly retries?: number | undefined;
  /** How many aggregates are kept in memory between commands. Default: 10,000; 0 keeps none. */
  readonly cachedAggregates?: number | undefined;
}

/** How a command is processed, and what is waited for. */
export interface DomainProcessOptions extends ProcessOptions {
  /** Returns when these async projections show what the command did. */
  readonly visibleIn?: readonly ProjectionClass[] | undefined;
}

export interface TenantOptions {
  readonly tenant?: string | undefined;
}

/** What a started domain works with. */
interface Running {
  readonly runtime: Runtime;
  readonly commands: CommandProcessor;
  readonly queries: QueryProcessor;
  readonly runners: readonly ProjectionRunner[];
  readonly engines: Engine[];
  /** Commands under way, and what to call when there is none any more. */
  inFlight: number;
  whenIdle: (() => void) | undefined;
}

/** What a started domain works with: for the test kit, which seeds the log. */
export let runtimeOf: (domain: Domain) => Runtime;

/**
 * A bounded context: its model, and the store that keeps its facts.
 *
 * @example
 * const bank = new Domain("bank", { elements: [Account, accountCommands], store: sqlite("bank.db") });
 * await bank.start();
 * const id = await bank.process(new OpenAccount({ accountId: "576", holder: "Ada", opening: 0 }));
 * await bank.stop();
 */
export class Domain {
  readonly name: string;
  readonly #options: DomainOptions;
  #running: Running | undefined;
  #transitions: Promise<void> = Promise.resolve();

  constructor(name: string, options: DomainOptions) {
    assertDomainOptions(name, options);
    this.name = name;
    this.#options = options;
  }

  /**
   * Checks the whole model, then opens the store. A second call changes nothing.
   *
   * @throws ModelError MODEL_INVALID with every fault at once
   */
  start(): Promise<void> {
    return this.#next(async () => {
      if (this.#running !== undefined) return;
      const { elements, store } = this.#options;
      const { registry, faults } = checkModel(this.name, elements);
      const all = [...faults, ...weakenedPromises(this.name, registry, store)];
      if (all.length > 0) throw new ModelError(this.name, all);
      await store.open(collectionsOf(registry.aggregates.values(), registry.projectors.values()));
      const running = assemble(registry, this.#options);
      await settleInlineProjections(running.runtime);
      this.#running = running;
    });
  }

  /**
   * Takes no more commands, lets those under way finish, stops the engines, and closes the store. A second call
   * changes nothing.
   */
  stop(): Promise<void> {
    const now = this.#running;
    this.#running = undefined; // from this moment, commands are refused
    return this.#next(async () => {
      const running = now ?? this.#running;
      if (running === undefined) return;
      this.#running = undefined;
      if (running.inFlight > 0) {
        await new Promise<void>((resolve) => {
          running.whenIdle = resolve;
        });
      }
      for (const engine of running.engines) await engine.retire();
      await running.runtime.store.close();
    });
  }

  /** Starts and stops happen one after the other, in the order in which they were asked for. */
  #next(transition: () => Promise<void>): Promise<void> {
    this.#transitions = this.#transitions.catch(() => undefined).then(transition);
    return this.#transitions;
  }

  /**
   * Handles a command: all that it does is stored when this returns, or nothing is; but for `VISIBILITY_FAILED`, which
   * says that the command is stored and a projection of `visibleIn` does not show it.
   *
   * @returns what the command's handler answers: for `.create` the identity
   * @throws ValidationError for broken rules, AggregateNotFoundError, ConcurrencyError; see docs/reference/errors.md
   * @example await bank.process(new Withdraw({ accountId: "576", amount: 100 }), { idempotencyKey: request.id });
   */
  async process<R>(command: Returning<R, "command">, options: DomainProcessOptions = {}): Promise<R> {
    const running = this.#started();
    assertOptions(options);
    const awaited = (options.visibleIn ?? []).map((projection) => runnerOf(running, projection));
    running.inFlight += 1;
    try {
      const { result, position } = await running.commands.process(command, options);
      await visible(awaited, position);
      return result as R;
    } finally {
      running.inFlight -= 1;
      if (running.inFlight === 0) running.whenIdle?.();
    }
  }

  /** Asks the read side. */
  async query<R>(query: Returning<R, "query">, { tenant = "" }: TenantOptions = {}): Promise<R> {
    assertOptions({ tenant });
    return (await this.#started().queries.ask(query, tenant)) as R;
  }

  /** The rows of a projection. */
  view<R extends object>(projection: ProjectionClass<R>, { tenant = "" }: TenantOptions = {}): View<R> {
    assertOptions({ tenant });
    return this.#started().queries.view(projection, tenant);
  }

  /** What keeps the async projections up to date in this process, to start and stop. */
  engine(): Engine {
    const { runtime, runners, engines } = this.#started();
    const engine = new Engine(runtime, runners);
    engines.push(engine);
    return engine;
  }

  /**
   * Runs until nothing is pending: every async projection has seen every event. For tests, scripts and serverless.
   *
   * @throws NereusError PROJECTION_FAILED
   */
  async settle(): Promise<void> {
    const { runners, runtime } = this.#started();
    const head = await runtime.store.log.head();
    for (const runner of runners) await runner.reach(head);
  }

  /** @internal */
  static {
    runtimeOf = (domain) => domain.#started().runtime;
  }

  #started(): Running {
    if (this.#running !== undefined) return this.#running;
    throw new NereusError("DOMAIN_NOT_STARTED", `Domain ${this.name} is not started`, {
      element: this.name,
      fix: "Call await domain.start() first, and do not use the domain after stop().",
    });
  }
}

function assemble(registry: Registry, options: DomainOptions): Running {
  const runtime: Runtime = {
    registry,
    store: options.store,
    cache: new AggregateCache(options.cachedAggregates ?? 10_000),
    clock: options.clock ?? { now: () => new Date() },
    log: options.log ?? console,
    retries: options.retries ?? 20,
  };
  const queries = new QueryProcessor(runtime);
  const runners = [...registry.projectors.values()]
    .filter((own) => own.run === "async")
    .map((own) => new ProjectionRunner(runtime, own));
  const commands = new CommandProcessor(runtime, queries);
  return { runtime, queries, commands, runners, engines: [], inFlight: 0, whenIdle: undefined };
}

/** Undefined for an inline projection, which is never behind. */
function runnerOf({ runtime, runners }: Running, projection: ProjectionClass): ProjectionRunner | undefined {
  const known = knownProjection(runtime.registry, projection)[definition].name;
  return runners.find((runner) => runner.projection === known);
}

async function visible(awaited: readonly (ProjectionRunner | undefined)[], position: number): Promise<void> {
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

/** A store that cannot keep a promise of the model is refused, never silently weaker. */
function weakenedPromises(domain: string, registry: Registry, store: Store): ModelFault[] {
  if (store.capabilities.has("transactional")) return [];
  const stateStored = [...registry.aggregates.values()].some((aggregate) => !aggregate[definition].eventSourced);
  if (!stateStored && registry.projectors.size === 0) return [];
  return [
    {
      code: "STORE_CAPABILITY_MISSING",
      element: domain,
      message: `${store.name} cannot commit events together with state-stored aggregates, rows and checkpoints`,
      fix: "Use a transactional store: memory() or sqlite(path).",
    },
  ];
}

/** For callers without types. @throws NereusError OPTION_INVALID */
function assertDomainOptions(name: unknown, options: DomainOptions): void {
  const fault =
    typeof name !== "string" || name === ""
      ? "it has no name"
      : !Array.isArray(options?.elements)
        ? "elements is not a list"
        : typeof options.store !== "object" || options.store === null
          ? "store is not a store"
          : ["retries", "cachedAggregates"].some((key) => !isCount(options[key as "retries"]))
            ? "retries and cachedAggregates are whole numbers from 0"
            : undefined;
  if (fault === undefined) return;
  throw new NereusError("OPTION_INVALID", `A domain cannot be made: ${fault}`, {
    fix: 'Write new Domain("bank", { elements: [Account, accountCommands], store: sqlite("bank.db") }).',
  });
}

function isCount(value: unknown): boolean {
  return value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0);
}
