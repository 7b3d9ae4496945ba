import type { ApplicationService, ServiceClass, UseCaseMethods, UseCases } from "../application/application-service.ts";
import { type DeliverOptions, messageWork } from "../application/delivery.ts";
import { refuseInHandler, refuseInProjector } from "../application/handling.ts";
import { knownService, knownSubscriber } from "../application/known-services.ts";
import {
  assertCallOptions,
  assertIdGiven,
  assertOptions,
  assertSendOptions,
  assertTenantOptions,
} from "../application/process-options.ts";
import { viewIn } from "../application/projection-views.ts";
import { refuseReadOnly } from "../application/read-only.ts";
import type { Receipt } from "../application/send-options.ts";
import type { Subscriber } from "../application/subscriber.ts";
import { type CallOptions, useCaseWork } from "../application/use-cases.ts";
import type { View } from "../application/view.ts";
import { Engine } from "../engine/engine.ts";
import { endsWithin, type StopOptions, spanOfStop } from "../engine/stopping.ts";
import { definition, type Element } from "../model/element.ts";
import { ModelError, type ModelFault, NereusError } from "../model/errors.ts";
import type { CommandClass, Returning } from "../model/message.ts";
import type { ProjectionClass } from "../model/projection.ts";
import { describeModel } from "./describe-model.ts";
import { DomainModel } from "./domain-model.ts";
import {
  assertDomainOptions,
  type DomainOptions,
  type DomainProcessOptions,
  type DomainSendOptions,
  type TenantOptions,
} from "./domain-options.ts";
import { domainMark } from "./foreign-elements.ts";
import type { ModelDescription } from "./model-description.ts";
import { opened } from "./opening.ts";
import { Instances } from "./registered-elements.ts";
import { type Running, runnerOf, settle, visible, watchLongWaits } from "./running.ts";
import { Starting } from "./starting.ts";
import { stopRunning } from "./stop-running.ts";
import { takeStore } from "./store-use.ts";
import { type OfTenant, type OptionsOf, requireTenant, type Tenancy } from "./tenancy.ts";

/** What a started domain works with: for the test kit, which seeds the log, and lets events happen without a command. */
export let workingsOf: (domain: Domain<Tenancy>) => Workings;
export type Workings = Pick<Running, "runtime" | "work" | "joining" | "runners">;

/** Gives a domain a registry of its own, for classes that are decorated for it. */
export let addRegistry: (domain: Domain<Tenancy>, registry: Element<"registry">) => void;

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
  readonly #model: DomainModel;
  #running: Running | undefined;
  #starting: Starting | undefined;
  #transitions: Promise<void> = Promise.resolve();

  constructor(name: string, options: DomainOptions<T>) {
    assertDomainOptions(name, options);
    this.name = name;
    this.tenancy = options.tenancy ?? ("optional" as T); // which it is where nothing is said
    this.#options = options;
    this.#model = new DomainModel(name, options.elements, options.store);
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
      const instances = new Instances();
      const { registry, faults } = this.#model.checked(instances);
      if (faults.length > 0) throw new ModelError(this.name, faults);
      this.#model.take();
      const { store, log = console } = this.#options;
      const starting = new Starting({ name: this.name, registry, store, log });
      this.#starting = starting;
      try {
        await starting.until("its elements are made", instances.make());
        takeStore(store, registry);
        const running = opened(this.name, registry, this.#options, starting);
        this.#running = await starting.until(`the store ${store.name} has not answered`, running);
        watchLongWaits(this.#running);
      } catch (error) {
        this.#model.release();
        throw error;
      } finally {
        this.#starting = undefined;
      }
    });
  }

  /**
   * Every fault of the model, without touching the store: what `start` would refuse it for. An empty list: none.
   *
   * @example test("the model is sound", () => expect(bank.check()).toEqual([]));
   */
  check(): readonly ModelFault[] {
    return this.#model.checked().faults;
  }

  /**
   * The model as JSON: elements, fields, rules, who handles and raises what. The same model is the same text, whatever the
   * order of its elements, so that two releases can be compared.
   *
   * @example await writeFile("model.json", JSON.stringify(bank.describe(), null, 2));
   */
  describe(): ModelDescription {
    return describeModel(this.#model.checked());
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
    const before = this.#transitions;
    const stopped = this.#next(async () => {
      const running = now ?? this.#running;
      if (running === undefined) return;
      this.#running = undefined;
      await stopRunning(running, span).finally(() => this.#model.release());
    });
    stopped.catch(() => undefined); // whoever waits is told below, unless the start is left behind
    if (now === undefined && !(await endsWithin(before, span))) await this.#starting?.leave(before, span);
    return stopped;
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
  service<U>(service: ApplicationService<U>, ...given: OptionsOf<T, CallOptions>): UseCases<U>;
  /** The same, of a class with `@service`: `shop.service(Signup).register("ada@example.org")`. */
  service<H extends object>(service: ServiceClass<H>, ...given: OptionsOf<T, CallOptions>): UseCases<UseCaseMethods<H>>;
  service(service: unknown, ...given: OptionsOf<T, CallOptions>): UseCases<object> {
    const options = this.#said("service", assertCallOptions, given);
    const own = knownService(this.#started().runtime.registry, service);
    const call = async (useCase: string, input: readonly unknown[]): Promise<unknown> => {
      const running = this.#started("service");
      refuseReadOnly(this.#options.store, "service");
      const { runtime, joining, work } = running;
      const { result } = await work.perform(useCaseWork(runtime, joining, own, useCase, input, options));
      return result;
    };
    const names = Object.keys(own.useCases);
    const calls = names.map((useCase) => [useCase, (...input: readonly unknown[]) => call(useCase, input)]);
    return Object.fromEntries(calls) as UseCases<object>; // the names are only known at run time
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
    addRegistry = (domain, registry) => domain.#model.add(registry);
    deliverTo = async (domain, subscriber, message, options) => {
      const running = domain.#started();
      refuseReadOnly(domain.#options.store, "deliver");
      requireTenant(domain, "deliver", options?.tenant);
      const { runtime, joining, work } = running;
      const own = knownSubscriber(runtime.registry, subscriber);
      await work.perform(messageWork(runtime, joining, own, message, options));
    };
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
