import type { ApplicationService, ApplicationServiceDefinition, UseCases } from "../application/application-service.ts";
import { type DeliverOptions, messageWork } from "../application/delivery.ts";
import { refuseInHandler, refuseInProjector } from "../application/handling.ts";
import {
  assertCallOptions,
  assertIdGiven,
  assertOptions,
  assertSendOptions,
  assertTenantOptions,
} from "../application/process-options.ts";
import { viewIn } from "../application/projection-views.ts";
import { refuseReadOnly } from "../application/read-only.ts";
import type { Registry } from "../application/registry.ts";
import type { Receipt } from "../application/send-options.ts";
import { shapesAtStart } from "../application/shapes-at-start.ts";
import type { Subscriber, SubscriberDefinition } from "../application/subscriber.ts";
import { type CallOptions, useCaseWork } from "../application/use-cases.ts";
import type { View } from "../application/view.ts";
import { Engine } from "../engine/engine.ts";
import { refuseMarksAhead } from "../engine/marks-at-start.ts";
import { type StopOptions, spanOfStop } from "../engine/stopping.ts";
import { beginSubscriptions } from "../engine/subscription-start.ts";
import { definition, definitionOf, type Element } from "../model/element.ts";
import { ModelError, type ModelFault, NereusError } from "../model/errors.ts";
import type { CommandClass, Returning } from "../model/message.ts";
import type { ProjectionClass } from "../model/projection.ts";
import { collectionsOf } from "./collections.ts";
import { describeModel } from "./describe-model.ts";
import {
  assertDomainOptions,
  type DomainOptions,
  type DomainProcessOptions,
  type DomainSendOptions,
  type TenantOptions,
  weakenedPromises,
} from "./domain-options.ts";
import { domainMark } from "./foreign-elements.ts";
import { type CheckedModel, checkModel } from "./model-check.ts";
import type { ModelDescription } from "./model-description.ts";
import { assemble, type Running, runnerOf, settle, visible, watchLongWaits } from "./running.ts";
import { stopRunning } from "./stop-running.ts";
import { claimStore } from "./store-ownership.ts";
import { leaveStore, takeStore } from "./store-use.ts";
import { type OfTenant, type OptionsOf, requireTenant, type Tenancy } from "./tenancy.ts";

/** What a started domain works with: for the test kit, which seeds the log, and lets events happen without a command. */
export let workingsOf: (domain: Domain<Tenancy>) => Workings;
export type Workings = Pick<Running, "runtime" | "work" | "joining" | "runners">;

/**
 * Puts an element into a domain that has not started, as decorated classes do. It is made when the domain starts, which
 * reports the faults with those of the model.
 *
 * @throws NereusError DOMAIN_ALREADY_STARTED
 */
export let registerElement: (domain: Domain<Tenancy>, make: () => Element, faults?: readonly ModelFault[]) => void;

/** {@link Domain.deliver} without an id, too: for the test kit. */
export let deliverTo: (
  domain: Domain<Tenancy>,
  subscriber: Subscriber,
  message: unknown,
  options: Partial<DeliverOptions>,
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
export class Domain<T extends Tenancy = "optional"> {
  readonly name: string;
  /** Whether calls have to say of which tenant they are. Where they have to, one that does not is refused: `TENANT_REQUIRED`. */
  readonly tenancy: T;
  readonly #options: DomainOptions<T>;
  readonly #registered: { readonly make: () => Element; readonly faults: readonly ModelFault[] }[] = [];
  /** Whether the model was checked, and takes no more elements. */
  #sealed = false;
  #running: Running | undefined;
  #transitions: Promise<void> = Promise.resolve();

  constructor(name: string, options: DomainOptions<T>) {
    assertDomainOptions(name, options);
    this.name = name;
    this.tenancy = options.tenancy ?? ("optional" as T); // which it is where nothing is said
    this.#options = options;
  }

  /**
   * Checks the whole model, then opens the store. A second call changes nothing; one that fails leaves the store closed, and may be repeated.
   * On a store that is for reading only nothing is written: queries and views are answered, commands refused as `STORE_READ_ONLY`.
   *
   * @throws ModelError MODEL_INVALID with every fault at once; NereusError STORE_OF_ANOTHER_DOMAIN, STORED_SHAPE_CHANGED; STORE_WENT_BACK
   * where what follows the log is ahead of it; or what the store says
   */
  async start(): Promise<void> {
    if (this.#running === undefined) refuseInHandler(this.#options.store, "start");
    return this.#next(async () => {
      if (this.#running !== undefined) return;
      const { store } = this.#options;
      const model = this.#model();
      const faults = this.#faultsOf(model);
      if (faults.length > 0) throw new ModelError(this.name, faults);
      this.#sealed = true;
      takeStore(store, model.registry);
      try {
        this.#running = await this.#opened(model.registry);
        watchLongWaits(this.#running);
      } catch (error) {
        this.#sealed = false;
        await leaveStore(store, model.registry).catch(() => undefined); // why the start failed says more
        throw error;
      }
    });
  }

  /**
   * Every fault of the model, without touching the store: what `start` would refuse it for. An empty list: none.
   *
   * @example test("the model is sound", () => expect(bank.check()).toEqual([]));
   */
  check(): readonly ModelFault[] {
    return this.#faultsOf(this.#model());
  }

  /**
   * The model as JSON: elements, fields, rules, who handles and raises what. The same model is the same text, whatever the
   * order of its elements, so that two releases can be compared.
   *
   * @example await writeFile("model.json", JSON.stringify(bank.describe(), null, 2));
   */
  describe(): ModelDescription {
    return describeModel(this.#model());
  }

  /**
   * Takes no more commands, lets those under way finish, stops the engines, and closes the store. A second call
   * changes nothing. What does not end in time is ended by force: its callers are answered, nothing more of it is stored, and the store is
   * closed.
   *
   * @throws NereusError CALLED_IN_HANDLER; STOP_FORCED when all is stopped, which names what did not end
   * @example await bank.stop({ within: { seconds: 20 } });
   */
  async stop(options: StopOptions = {}): Promise<void> {
    refuseInHandler(this.#options.store, "stop");
    const span = spanOfStop(options);
    const now = this.#running;
    this.#running = undefined; // from this moment, commands are refused
    now?.stopping.abort();
    return this.#next(async () => {
      const running = now ?? this.#running;
      if (running === undefined) return;
      this.#running = undefined;
      await stopRunning(running, span);
    });
  }

  /** Opens the store and does with it all that comes before the first command. */
  async #opened(registry: Registry): Promise<Running> {
    const { store, formerly = [] } = this.#options;
    await store.open([]); // another domain's store gets no tables
    await claimStore(store, this.name, formerly);
    const shapes = await shapesAtStart(store, registry.events.classes);
    await store.open(collectionsOf(registry.aggregates.values(), registry.projectors.values()));
    const running = assemble(registry, shapes, this.#options);
    try {
      if (store.readOnly === true) return running;
      await running.runtime.fingerprints.begin(store);
      await refuseMarksAhead(running.runtime);
      await running.inline.start();
      await beginSubscriptions(running);
      await running.sentCommands.begin();
      return running;
    } catch (error) {
      await running.inline.stop().catch(() => undefined); // why the start failed says more
      throw error;
    }
  }

  /** What was listed, then what registered itself and was not listed as well. */
  #elements(): readonly Element[] {
    const { elements } = this.#options;
    const registered = new Set(this.#registered.map(({ make }) => make()));
    return [...elements, ...[...registered].filter((element) => !elements.includes(element))];
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
  async process<R>(command: Returning<R, "command">, ...given: OptionsOf<T, DomainProcessOptions>): Promise<R> {
    const running = this.#started("process");
    refuseReadOnly(this.#options.store, "process");
    const options = this.#said("process", assertOptions, given);
    const awaited = (options.visibleIn ?? []).map((projection) => runnerOf(running, projection));
    const work = running.commands.workOf(command, options);
    const limit = running.work.limitOf(work);
    const { result, position } = await running.work.perform(work, limit);
    if (awaited.length > 0) {
      const wait = () => visible(awaited, position, work.subject, limit);
      await running.work.underWay.during(`${work.subject}, which is stored and waited for,`, wait);
    }
    return result as R;
  }

  /**
   * Stores a command, to be handled later by an engine (or by `settle`): at once, or not before a moment. It is then handled
   * like one that is processed, takes effect once, and is tried again if it fails for a reason that may pass.
   *
   * @throws NereusError UNKNOWN_COMMAND or OPTION_INVALID
   * @example await bank.send(new CloseAccount({ accountId: "576" }), { at: endOfMonth, priority: "low" });
   */
  async send(command: Returning<unknown, "command">, ...given: OptionsOf<T, DomainSendOptions>): Promise<Receipt> {
    const running = this.#started("send");
    refuseReadOnly(this.#options.store, "send");
    const options = this.#said("send", assertSendOptions, given);
    const { underWay } = running.work;
    return running.receipts.of(await underWay.during("A call of send", () => running.commands.send(command, options)));
  }

  /**
   * The receipt of a command that was sent before, in whichever process; undefined if there is no such command.
   *
   * @throws NereusError UNKNOWN_COMMAND
   * @example const answer = await (await bank.receipt(CloseAccount, commandId))?.cancel("the customer stays");
   */
  async receipt(
    command: CommandClass,
    commandId: string,
    ...given: OptionsOf<T, TenantOptions>
  ): Promise<Receipt | undefined> {
    const { tenant = "" } = this.#said("receipt", assertTenantOptions, given);
    const { commands, receipts } = this.#started();
    return receipts.find(commands.streamOf(command, commandId, tenant), command[definition].name);
  }

  /**
   * The use cases of an application service, to call.
   *
   * @throws NereusError UNKNOWN_SERVICE
   * @example const id = await shop.service(signup).register("ada@example.org");
   */
  service<U>(service: ApplicationService<U>, ...given: OptionsOf<T, CallOptions>): UseCases<U> {
    const options = this.#said("service", assertCallOptions, given);
    const { registry } = this.#started().runtime;
    const own = definitionOf<ApplicationServiceDefinition>(service, "applicationService");
    if (own === undefined || registry.services.get(own.name) !== own) throw unknownService(this.name, own?.name);
    const call = async (useCase: string, input: readonly unknown[]): Promise<unknown> => {
      const running = this.#started("service");
      refuseReadOnly(this.#options.store, "service");
      const { runtime, joining, work } = running;
      const { result } = await work.perform(useCaseWork(runtime, joining, own, useCase, input, options));
      return result;
    };
    const names = Object.keys(own.useCases);
    const calls = names.map((useCase) => [useCase, (...input: readonly unknown[]) => call(useCase, input)]);
    return Object.fromEntries(calls) as UseCases<U>; // the names are only known at run time
  }

  /**
   * Hands another system's message to its subscriber, and returns when it is handled: for webhooks, and for consumers of a broker. What
   * comes from outside is `unknown`: the subscriber's schema parses it.
   *
   * @throws ValidationError VALIDATION_FAILED for a message that is not as the subscriber says; its id stays free
   * @throws NereusError MESSAGE_ID_REUSED where the id is known with other contents; UNKNOWN_SERVICE; OPTION_INVALID; or whatever
   * the handler throws: the message may then be delivered again
   * @example await bank.deliver(gateway, await request.json(), { id: request.headers.get("webhook-id") });
   */
  async deliver(subscriber: Subscriber, message: unknown, options: DeliverOptions & OfTenant<T>): Promise<void> {
    this.#started("deliver");
    assertIdGiven(options);
    await deliverTo(this, subscriber, message, options);
  }

  /**
   * Asks the read side, as of the last commit that reached it.
   *
   * @throws NereusError UNKNOWN_QUERY, or whatever the handler throws
   * @example const accounts = await bank.query(new FindAccounts({ holder: "Ada" }));
   */
  async query<R>(query: Returning<R, "query">, ...given: OptionsOf<T, TenantOptions>): Promise<R> {
    const { tenant = "" } = this.#said("query", assertTenantOptions, given);
    const { queries, work } = this.#started();
    const limit = work.limitOf({});
    const answer = queries.ask(query, tenant);
    const subject = (query as object).constructor.name;
    return (await (limit?.bound(answer, () => limit.exceeded(subject)) ?? answer)) as R;
  }

  /**
   * The rows of a projection.
   *
   * @throws NereusError UNKNOWN_PROJECTION
   * @example const row = await bank.view(AccountSummary).get("576");
   */
  view<R extends object>(projection: ProjectionClass<R>, ...given: OptionsOf<T, TenantOptions>): View<R> {
    const { tenant = "" } = this.#said("view", assertTenantOptions, given);
    return viewIn(this.#started().runtime, projection, tenant);
  }

  /**
   * What follows the log in this process: async projections and event handlers, sent commands; to start and stop.
   *
   * @example
   * const engine = bank.engine();
   * await engine.start();
   */
  engine(): Engine {
    const { runtime, sight, runners, engines } = this.#started();
    const engine = new Engine(runtime, sight, runners);
    engines.push(engine);
    return engine;
  }

  /**
   * Runs until nothing is pending: every async projection and event handler has seen every event, every sent command that is due
   * is handled, and so is what came of that. For tests, scripts and serverless.
   *
   * @throws NereusError PROJECTION_FAILED, EVENT_HANDLER_FAILED, SENT_COMMAND_FAILED, or SETTLE_FAILED for several;
   * DOMAIN_NOT_STARTED where a stop comes first; CALLED_IN_HANDLER
   */
  async settle(): Promise<void> {
    const running = this.#started();
    refuseInHandler(this.#options.store, "settle");
    refuseReadOnly(this.#options.store, "settle");
    await running.work.underWay.during("A call of settle", () => settle(running));
  }

  /** @internal */
  static {
    Object.defineProperty(Domain.prototype, domainMark, { value: true });
    workingsOf = (domain) => domain.#started();
    registerElement = (domain, make, faults = []) => {
      if (domain.#sealed) throw alreadyStarted(domain.name);
      domain.#registered.push({ make, faults });
    };
    deliverTo = async (domain, subscriber, message, options) => {
      const running = domain.#started();
      refuseReadOnly(domain.#options.store, "deliver");
      requireTenant(domain, "deliver", options?.tenant);
      const { runtime, joining, work } = running;
      const own = definitionOf<SubscriberDefinition>(subscriber, "subscriber");
      if (own === undefined || runtime.registry.subscribers.get(own.name) !== own) {
        throw unknownService(domain.name, own?.name);
      }
      await work.perform(messageWork(runtime, joining, own, message, options));
    };
  }

  #faultsOf({ registry, faults }: CheckedModel): readonly ModelFault[] {
    const ofRegistered = this.#registered.flatMap((registration) => registration.faults);
    return [...faults, ...ofRegistered, ...weakenedPromises(this.name, registry, this.#options.store)];
  }

  #model(): CheckedModel {
    return checkModel(this.name, this.#elements());
  }

  /** The options of a call. @throws NereusError OPTION_INVALID or TENANT_REQUIRED */
  #said<O extends TenantOptions>(call: string, assert: (options: O) => void, [options]: readonly [options?: O]): O {
    const said = options === undefined ? ({} as O) : options; // none of them must be given
    assert(said);
    requireTenant(this, call, said.tenant);
    return said;
  }

  /** @param call what changes something, and so may not be called by a projector */
  #started(call?: string): Running {
    if (call !== undefined) refuseInProjector(this.#options.store, call);
    if (this.#running !== undefined) return this.#running;
    throw new NereusError("DOMAIN_NOT_STARTED", `Domain ${this.name} is not started`, {
      element: this.name,
      fix: "Call await domain.start() first, and do not use the domain after stop().",
    });
  }
}

function unknownService(domain: string, name = "What was given"): NereusError {
  return new NereusError("UNKNOWN_SERVICE", `${name} is not an element of domain ${domain}`, {
    element: name,
    fix: "Add it to the domain's elements, and hand in the same one.",
  });
}

function alreadyStarted(name: string): NereusError {
  return new NereusError("DOMAIN_ALREADY_STARTED", `Domain ${name} was started before this element was registered`, {
    element: name,
    fix: "Import every module with decorated classes before domain.start().",
  });
}
