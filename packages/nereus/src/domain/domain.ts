import { AggregateCache } from "../application/aggregate-cache.ts";
import type { ApplicationService, ApplicationServiceDefinition, UseCases } from "../application/application-service.ts";
import { type CommandProcessor, joiningOf } from "../application/command-processor.ts";
import type { Clock, Log } from "../application/context.ts";
import type { Enrichers } from "../application/enrichers.ts";
import type { Joining } from "../application/handler-context.ts";
import { runInlineHandlers } from "../application/inline-handlers.ts";
import { assertOptions, type ProcessOptions } from "../application/process-options.ts";
import { knownProjection, viewIn } from "../application/projection-views.ts";
import { QueryProcessor } from "../application/query-processor.ts";
import type { Registry, Runtime } from "../application/registry.ts";
import type { Receipt, SendOptions } from "../application/send-options.ts";
import type { Subscriber, SubscriberDefinition } from "../application/subscriber.ts";
import { type CallOptions, messageWork, useCaseWork } from "../application/use-cases.ts";
import type { View } from "../application/view.ts";
import { WorkProcessor } from "../application/work-processor.ts";
import { CommandRunner } from "../engine/command-runner.ts";
import { Engine } from "../engine/engine.ts";
import { EventRunner } from "../engine/event-runner.ts";
import { together } from "../engine/failures.ts";
import { settleInlineProjections } from "../engine/inline-start.ts";
import { ProjectionRunner } from "../engine/projection-runner.ts";
import type { Runner } from "../engine/runner.ts";
import { beginSubscriptions } from "../engine/subscription-start.ts";
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
  /** What adds to the metadata of messages. */
  readonly enrichers?: Enrichers | undefined;
  /** How many aggregates are kept in memory between commands. Default: 10,000; 0 keeps none. */
  readonly cachedAggregates?: number | undefined;
}

/** How a command is processed, and what is waited for. */
export interface DomainProcessOptions extends ProcessOptions {
  /** Returns when these async projections show what the command did. */
  readonly visibleIn?: readonly ProjectionClass[] | undefined;
}

/** How a command is sent, and what is known of the request that it comes from. */
export interface DomainSendOptions extends SendOptions, Omit<CallOptions, "occurredAt"> {}

export interface TenantOptions {
  readonly tenant?: string | undefined;
}

/** What a started domain works with. */
interface Running {
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
}

/** What a started domain works with: for the test kit, which seeds the log. */
export let runtimeOf: (domain: Domain) => Runtime;

/** What events are handled with in a started domain: for the test kit, where they happen without a command. */
export let workingsOf: (domain: Domain) => Workings;
export type Workings = Pick<Running, "runtime" | "work" | "joining" | "runners">;

/**
 * Puts an element into a domain that has not started, as decorated classes do. It is made when the domain starts, which
 * reports the faults with those of the model.
 *
 * @throws NereusError DOMAIN_ALREADY_STARTED
 */
export let registerElement: (domain: Domain, make: () => Element, faults?: readonly ModelFault[]) => void;

/** Hands another system's message to its subscriber: what a broker's adapter does, and the test kit. */
export let deliverTo: (
  domain: Domain,
  subscriber: Subscriber,
  message: unknown,
  options: CallOptions & { readonly id?: string | undefined },
) => Promise<void>;

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
  readonly #registered: { readonly make: () => Element; readonly faults: readonly ModelFault[] }[] = [];
  /** Whether the model was checked, and takes no more elements. */
  #sealed = false;
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
      const registered = new Set(this.#registered.map(({ make }) => make()));
      for (const element of elements) registered.delete(element); // listed as well
      const { registry, faults } = checkModel(this.name, [...elements, ...registered]);
      const ofRegistered = this.#registered.flatMap((registration) => registration.faults);
      const all = [...faults, ...ofRegistered, ...weakenedPromises(this.name, registry, store)];
      if (all.length > 0) throw new ModelError(this.name, all);
      this.#sealed = true;
      await store.open(collectionsOf(registry.aggregates.values(), registry.projectors.values()));
      const running = assemble(registry, this.#options);
      await settleInlineProjections(running.runtime);
      await beginSubscriptions(running.runtime);
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
    return counted(running, async () => {
      const { result, position } = await running.work.perform(running.commands.workOf(command, options));
      await visible(awaited, position);
      return result as R;
    });
  }

  /**
   * Stores a command, to be handled later by an engine (or by `settle`): at once, or not before a moment. It is then handled
   * like one that is processed, takes effect once, and is tried again if it fails for a reason that may pass.
   *
   * @throws NereusError UNKNOWN_COMMAND or OPTION_INVALID
   * @example await bank.send(new CloseAccount({ accountId: "576" }), { at: endOfMonth, priority: "low" });
   */
  async send(command: Returning<unknown, "command">, options: DomainSendOptions = {}): Promise<Receipt> {
    const running = this.#started();
    return counted(running, () => running.commands.send(command, options));
  }

  /**
   * The use cases of an application service, to call.
   *
   * @throws NereusError UNKNOWN_SERVICE
   * @example const id = await shop.service(signup).register("ada@example.org");
   */
  service<U>(service: ApplicationService<U>, options: CallOptions = {}): UseCases<U> {
    assertOptions(options);
    const { registry } = this.#started().runtime;
    const own: ApplicationServiceDefinition = service[definition];
    if (registry.services.get(own.name) !== own) throw unknownService(this.name, own.name);
    const call = (useCase: string, input: readonly unknown[]): Promise<unknown> => {
      const running = this.#started();
      const { runtime, joining, work } = running;
      return counted(running, async () => {
        const { result } = await work.perform(useCaseWork(runtime, joining, own, useCase, input, options));
        return result;
      });
    };
    const names = Object.keys(own.useCases);
    const calls = names.map((useCase) => [useCase, (...input: readonly unknown[]) => call(useCase, input)]);
    return Object.fromEntries(calls) as UseCases<U>; // the names are only known at run time
  }

  /** Asks the read side. */
  async query<R>(query: Returning<R, "query">, { tenant = "" }: TenantOptions = {}): Promise<R> {
    assertOptions({ tenant });
    return (await this.#started().queries.ask(query, tenant)) as R;
  }

  /** The rows of a projection. */
  view<R extends object>(projection: ProjectionClass<R>, { tenant = "" }: TenantOptions = {}): View<R> {
    assertOptions({ tenant });
    return viewIn(this.#started().runtime, projection, tenant);
  }

  /** What follows the log in this process: async projections and event handlers, sent commands; to start and stop. */
  engine(): Engine {
    const { runtime, runners, engines } = this.#started();
    const engine = new Engine(runtime, runners);
    engines.push(engine);
    return engine;
  }

  /**
   * Runs until nothing is pending: every async projection and event handler has seen every event, every sent command that is due
   * is handled, and so is what came of that. For tests, scripts and serverless.
   *
   * @throws NereusError PROJECTION_FAILED, EVENT_HANDLER_FAILED, SENT_COMMAND_FAILED, or SETTLE_FAILED for several
   */
  async settle(): Promise<void> {
    const { runners, runtime } = this.#started();
    const { log } = runtime.store;
    for (;;) {
      const head = await log.head();
      const failures: unknown[] = [];
      for (const runner of runners) await runner.reach(head).catch((error: unknown) => failures.push(error));
      if (failures.length > 0) throw together(failures);
      if ((await log.head()) === head) return;
    }
  }

  /** @internal */
  static {
    runtimeOf = (domain) => domain.#started().runtime;
    workingsOf = (domain) => domain.#started();
    registerElement = (domain, make, faults = []) => {
      if (domain.#sealed) throw alreadyStarted(domain.name);
      domain.#registered.push({ make, faults });
    };
    deliverTo = async (domain, subscriber, message, options) => {
      const running = domain.#started();
      const { runtime, joining, work } = running;
      const own: SubscriberDefinition = subscriber[definition];
      if (runtime.registry.subscribers.get(own.name) !== own) throw unknownService(domain.name, own.name);
      await counted(running, () => work.perform(messageWork(runtime, joining, own, message, options)));
    };
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
    enrichers: options.enrichers ?? {},
    retries: options.retries ?? 20,
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
  return { runtime, queries, commands, joining, work, projections, runners, engines, inFlight: 0, whenIdle: undefined };
}

/** Counts what is under way, so that a stop can wait for it. */
async function counted<T>(running: Running, work: () => Promise<T>): Promise<T> {
  running.inFlight += 1;
  try {
    return await work();
  } finally {
    running.inFlight -= 1;
    if (running.inFlight === 0) running.whenIdle?.();
  }
}

function unknownService(domain: string, name: string): NereusError {
  return new NereusError("UNKNOWN_SERVICE", `${name} is not an element of domain ${domain}`, {
    element: name,
    fix: `Add ${name} to the domain's elements.`,
  });
}

/** Undefined for an inline projection, which is never behind. */
function runnerOf({ runtime, projections }: Running, projection: ProjectionClass): ProjectionRunner | undefined {
  const known = knownProjection(runtime.registry, projection)[definition].name;
  return projections.find((runner) => runner.projection === known);
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

function alreadyStarted(name: string): NereusError {
  return new NereusError("DOMAIN_ALREADY_STARTED", `Domain ${name} was started before this element was registered`, {
    element: name,
    fix: "Import every module with decorated classes before domain.start().",
  });
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
