import { fromDocument, hydrate, streamOf } from "../application/loading.ts";
import { viewIn } from "../application/projection-views.ts";
import type { Selection } from "../application/selection.ts";
import { type Domain, workingsOf } from "../domain/domain.ts";
import type { DomainProcessOptions, TenantOptions } from "../domain/domain-options.ts";
import { requireTenant, type Tenancy } from "../domain/tenancy.ts";
import type { AggregateClass } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import { messageDefinition } from "../model/message.ts";
import type { ProjectionClass } from "../model/projection.ts";
import { assertEvents, assertPart, failed } from "./assertion.ts";
import {
  type Act,
  ask,
  type DomainOutcome,
  eventsBetween,
  happen,
  perform,
  process,
  runHandlers,
  sentBetween,
} from "./domain-act.ts";
import { storeHistory } from "./history.ts";
import { assertNoClass, misuse } from "./misuse.ts";
import { readable } from "./readable.ts";
import { assertNoRow, assertRow, assertRows } from "./rows.ts";
import { Scenario } from "./scenario.ts";
import { type Item, itemsOf, type SeedOptions } from "./seed.ts";
import { assertSent, type ExpectedSent } from "./sent.ts";
import { type Progress, Step } from "./step.ts";

interface DomainProgress extends Progress {
  readonly outcome: DomainOutcome | undefined;
  /** Where rows are looked for. */
  readonly tenant: string;
}

type RowSelection = Selection<object> & TenantOptions;

/** What happened before in a domain: stored once, by the first scenario that begins with it. */
export class GivenDomain {
  readonly #domain: Domain<Tenancy>;
  readonly #items: readonly Item[];
  #first: Step<DomainProgress> | undefined;

  constructor(domain: Domain<Tenancy>, before: readonly object[]) {
    for (const thing of before) assertNoClass("given", thing);
    this.#domain = domain;
    this.#items = itemsOf(before);
  }

  when(message: object, options: DomainProcessOptions & SeedOptions = {}): DomainScenario {
    return this.#begin(options.tenant).when(message, options);
  }

  thenRow(projection: ProjectionClass, id: string, row: object, options?: TenantOptions): DomainScenario {
    return this.#begin(options?.tenant).thenRow(projection, id, row, options);
  }

  thenNoRow(projection: ProjectionClass, id: string, options?: TenantOptions): DomainScenario {
    return this.#begin(options?.tenant).thenNoRow(projection, id, options);
  }

  thenRows(projection: ProjectionClass, rows: readonly object[], selection?: RowSelection): DomainScenario {
    return this.#begin(selection?.tenant).thenRows(projection, rows, selection);
  }

  // biome-ignore lint/suspicious/noThenProperty: to await it alone stores what is given
  then(resolve?: unknown, reject?: unknown): Promise<void> {
    if (resolve !== undefined && typeof resolve !== "function")
      throw misuse("given(…).then", resolve, "nothing: write .when(…) first");
    assertNoClass("given(…).then", resolve);
    const stored = this.#begin(undefined).step.progress();
    return stored.then(() => undefined).then(resolve as () => void, reject as () => void);
  }

  #begin(tenant: string | undefined): DomainScenario {
    this.#first ??= new Step<DomainProgress>(async () => {
      await this.#domain.start();
      const workings = workingsOf(this.#domain);
      const isUsed = (await workings.runtime.store.log.head()) > 0;
      if (isUsed) await this.#domain.settle(); // what is under way from before is no consequence of this scenario
      const common = tenant ?? tenantOf(this.#items) ?? "";
      for (const { options } of this.#items) requireTenant(this.#domain, "given", options.tenant ?? common);
      await storeHistory(workings, this.#items, common);
      if (this.#items.length > 0) await this.#domain.settle(); // what is done next may ask async projections
      return { outcome: undefined, isRefusalExpected: false, tenant: common };
    });
    return new DomainScenario(this.#domain, this.#first);
  }
}

/** The tenant of all that is given, if it is one. */
function tenantOf(items: readonly Item[]): string | undefined {
  const tenants = new Set(items.map(({ options }) => options.tenant));
  return tenants.size === 1 ? [...tenants][0] : undefined;
}

/** A command or event under test. */
class DomainScenario extends Scenario<DomainProgress> {
  readonly #domain: Domain<Tenancy>;

  constructor(domain: Domain<Tenancy>, step: Step<DomainProgress>) {
    super(step);
    this.#domain = domain;
  }

  protected after(step: Step<DomainProgress>): this {
    return new DomainScenario(this.#domain, step) as this; // nobody extends it
  }

  when(what: object, options: DomainProcessOptions & SeedOptions = {}): DomainScenario {
    assertNoClass("when", what);
    const done = doing(what);
    return this.after(
      this.act(async ({ outcome: earlier, tenant }) => {
        if (earlier !== undefined) await this.#domain.settle();
        const outcome = await done(this.#domain, options, tenant);
        return { outcome, isRefusalExpected: false, tenant: outcome.tenant };
      }),
    );
  }

  thenState(aggregate: AggregateClass, ...expected: readonly [object] | readonly [string, object]): this {
    return this.check(async (progress) => {
      const { tenant, id: own } = doneIn(progress);
      requireTenant(this.#domain, "thenState", tenant);
      const [id = own, state] = expected.length === 2 ? expected : [undefined, expected[0]];
      const { name } = aggregate[definition];
      if (id === undefined) throw misuse("thenState", "none", `an identity here: thenState(${name}, id, { … })`);
      const actual = await this.#load(aggregate, id, tenant);
      if (actual === undefined) throw failed(`There is no ${name} ${id}`, undefined, readable(state));
      assertPart(`${name} ${id}`, actual, state);
    });
  }

  thenSent(...expected: readonly ExpectedSent[]): this {
    return this.expect(async (_, progress) => {
      const { before } = doneIn(progress);
      const workings = workingsOf(this.#domain);
      await runHandlers(workings);
      const { runtime } = workings;
      const sent = await sentBetween(runtime, before, await runtime.store.log.head());
      assertSent(sent, expected);
    });
  }

  thenEventually(...events: readonly object[]): this {
    return this.expect(async (_, progress) => {
      const { after } = doneIn(progress);
      await this.#domain.settle();
      const { runtime } = workingsOf(this.#domain);
      const appended = await eventsBetween(runtime, after, await runtime.store.log.head());
      assertEvents(appended, events, "Other events followed than expected");
    });
  }

  thenRow(projection: ProjectionClass, id: string, row: object, options: TenantOptions = {}): this {
    return this.#view(options, async (tenant) => {
      const name = projection[definition].name;
      const view = viewIn(workingsOf(this.#domain).runtime, projection as ProjectionClass<object>, tenant);
      const found = await view.get(id);
      if (found !== undefined) return assertRow(name, new Map([[id, found]]), id, row);
      const key = projection[definition].shape.identifier.name;
      const others = await view.find();
      assertRow(
        name,
        new Map(others.map((other) => [String((other as Record<string, unknown>)[key]), other])),
        id,
        row,
      );
    });
  }

  thenNoRow(projection: ProjectionClass, id: string, options: TenantOptions = {}): this {
    return this.#view(options, async (tenant) => {
      const found = await viewIn(workingsOf(this.#domain).runtime, projection as ProjectionClass<object>, tenant).get(
        id,
      );
      assertNoRow(projection[definition].name, new Map(found === undefined ? [] : [[id, found]]), id);
    });
  }

  thenRows(projection: ProjectionClass, rows: readonly object[], { tenant, ...selection }: RowSelection = {}): this {
    return this.#view({ tenant }, async (own) => {
      const view = viewIn(workingsOf(this.#domain).runtime, projection as ProjectionClass<object>, own);
      assertRows(projection[definition].name, await view.find(selection as Selection<object>), rows);
    });
  }

  #view({ tenant }: TenantOptions, check: (tenant: string) => Promise<void>): this {
    return this.check(async (progress) => {
      const own = tenant ?? progress.tenant;
      requireTenant(this.#domain, "What is expected of rows", own);
      await this.#domain.settle();
      await check(own);
    });
  }

  /** An aggregate as it is stored, past every cache and snapshot. */
  async #load(aggregate: AggregateClass, id: string, tenant: string): Promise<object | undefined> {
    const { runtime } = workingsOf(this.#domain);
    const { store, log } = runtime;
    const { name, eventSourced } = aggregate[definition];
    if (eventSourced) return hydrate({ log }, store.log, aggregate, streamOf(aggregate, tenant, id), true);
    const document = (await store.documents.get(name, tenant, [id])).get(id);
    return document === undefined ? undefined : fromDocument(aggregate, document);
  }
}

type Doing = (
  domain: Domain<Tenancy>,
  options: DomainProcessOptions & SeedOptions,
  tenant: string,
) => Promise<DomainOutcome>;

/** How it is done: a command is processed, a query asked, an event happens, a function is called. */
function doing(what: object): Doing {
  if (messageDefinition(what, "command") !== undefined) return (domain, options) => process(domain, what, options);
  if (messageDefinition(what, "event") !== undefined) return (domain, options) => happen(domain, what, options);
  if (messageDefinition(what, "query") !== undefined)
    return (domain, { tenant }, own) => ask(domain, what, tenant ?? own);
  if (typeof what === "function") {
    return (domain, { tenant }, own) => perform(domain, what as Act, tenant ?? own);
  }
  throw misuse("when", what, "a command, a query, an event, or a function of the domain");
}

function doneIn({ outcome }: DomainProgress): DomainOutcome {
  if (outcome !== undefined) return outcome;
  throw misuse("An expectation", undefined, "something that was done: write .when(…) before it");
}
