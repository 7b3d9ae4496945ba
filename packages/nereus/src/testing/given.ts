import { AssertionError, deepStrictEqual } from "node:assert";
import { inlineWrites } from "../application/inline-projections.ts";
import { fromDocument, hydrate, streamOf } from "../application/loading.ts";
import type { Runtime } from "../application/registry.ts";
import type { Domain, DomainProcessOptions } from "../domain/domain.ts";
import { runtimeOf } from "../domain/domain.ts";
import { serialiseEvent } from "../log/event-types.ts";
import type { AggregateClass } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import { isNereusError, NereusError } from "../model/errors.ts";
import { encodeMessage, type MessageInstance, messageDefinition, messageId, type Returning } from "../model/message.ts";
import type { ProjectionClass } from "../model/projection.ts";

/** What happened before, ready for a command. */
export interface Given {
  /** The command under test. */
  when<R>(command: Returning<R, "command"> & MessageInstance, options?: DomainProcessOptions): When;
  /** That a projection shows, after these events, a row with these fields (others are not compared). */
  thenRow<Row extends object>(projection: ProjectionClass<Row>, id: string, row: Partial<Row>): Promise<void>;
}

/**
 * A command under test. Each assertion runs it once and throws an `AssertionError` with a diff, so that any test
 * runner will do.
 */
export interface When {
  /** That the command is accepted and appends exactly these events, in this order. */
  then(...events: MessageInstance[]): Promise<void>;
  /** That it is accepted and appends no event. */
  thenNothing(): Promise<void>;
  /** That it is refused, with this text in its message or this code, and that nothing was appended. */
  thenRejected(textOrCode: string): Promise<void>;
  /** That the aggregate it is addressed to has these field values afterwards (others are not compared). */
  thenState<A extends object>(aggregate: AggregateClass<A>, state: Partial<A>): Promise<void>;
  /** That a projection shows, afterwards, a row with these fields (others are not compared). */
  thenRow<Row extends object>(projection: ProjectionClass<Row>, id: string, row: Partial<Row>): Promise<void>;
}

/**
 * Tests rules as sentences: given these events, when this command, then these events.
 *
 * The domain is started if it is not. Events go to the stream of the event-sourced aggregate that applies them;
 * state-stored aggregates come about by commands.
 *
 * @example
 * await given(bank, new AccountOpened({ accountId: "1", holder: "Ada", opening: 100 }))
 *   .when(new Withdraw({ accountId: "1", amount: 500 }))
 *   .thenRejected("Insufficient funds");
 */
export function given(domain: Domain, ...events: MessageInstance[]): Given {
  return new Scenario(domain, events);
}

interface Outcome {
  readonly result: unknown;
  readonly error: unknown;
  readonly appended: readonly object[];
}

class Scenario implements Given {
  readonly #domain: Domain;
  readonly #events: readonly object[];
  #seeded: Promise<Runtime> | undefined;

  constructor(domain: Domain, events: readonly object[]) {
    this.#domain = domain;
    this.#events = events;
  }

  when(command: object, options: DomainProcessOptions = {}): When {
    return new CommandTest(this.#domain, () => this.seed(options.tenant ?? ""), command, options);
  }

  async thenRow<Row extends object>(projection: ProjectionClass<Row>, id: string, row: Partial<Row>): Promise<void> {
    await this.seed("");
    await assertRow(this.#domain, projection, id, row);
  }

  seed(tenant: string): Promise<Runtime> {
    this.#seeded ??= this.#seed(tenant);
    return this.#seeded;
  }

  async #seed(tenant: string): Promise<Runtime> {
    await this.#domain.start();
    const runtime = runtimeOf(this.#domain);
    for (const event of this.#events) await append(runtime, event, tenant);
    return runtime;
  }
}

class CommandTest implements When {
  readonly #domain: Domain;
  readonly #seed: () => Promise<Runtime>;
  readonly #command: object;
  readonly #options: DomainProcessOptions;
  #outcome: Promise<Outcome> | undefined;

  constructor(domain: Domain, seed: () => Promise<Runtime>, command: object, options: DomainProcessOptions) {
    this.#domain = domain;
    this.#seed = seed;
    this.#command = command;
    this.#options = options;
  }

  // biome-ignore lint/suspicious/noThenProperty: the word of given/when/then; awaiting it without events asserts none
  async then(...expected: object[]): Promise<void> {
    const [resolve, reject] = expected;
    if (typeof resolve === "function") return this.#accepted().then(resolve as never, reject as never);
    const { appended } = await this.#accepted();
    same(appended.map(readable), expected.map(readable), "The command appended other events than expected");
  }

  async thenNothing(): Promise<void> {
    const { appended } = await this.#accepted();
    same(appended.map(readable), [], "The command appended events, but none was expected");
  }

  async thenRejected(textOrCode: string): Promise<void> {
    const { error, appended } = await this.#run();
    if (error === undefined) throw failed(`accepted with ${JSON.stringify(appended.map(readable))}`, textOrCode);
    const text = error instanceof Error ? error.message : String(error);
    const matches = text.includes(textOrCode) || (isNereusError(error) && error.code === textOrCode);
    if (!matches) throw failed(`rejected with "${text}"`, textOrCode);
    same(appended.map(readable), [], "A rejected command appended events");
  }

  async thenState<A extends object>(aggregate: AggregateClass<A>, state: Partial<A>): Promise<void> {
    const { result } = await this.#accepted();
    const runtime = await this.#seed();
    const { handling, identityField } = runtime.registry.commands.get(nameOf(this.#command, "command")) ?? {};
    const named = (this.#command as Record<string, unknown>)[identityField ?? ""];
    const id = handling?.how === "create" ? result : named;
    const actual = await load(runtime, aggregate, String(id), this.#options.tenant ?? "");
    if (actual === undefined) throw failed(`no ${aggregate[definition].name} ${String(id)}`, JSON.stringify(state));
    comparePart(actual, state, `${aggregate[definition].name} ${String(id)} has another state than expected`);
  }

  async thenRow<Row extends object>(projection: ProjectionClass<Row>, id: string, row: Partial<Row>): Promise<void> {
    await this.#accepted();
    await assertRow(this.#domain, projection, id, row, this.#options.tenant);
  }

  async #accepted(): Promise<Outcome> {
    const outcome = await this.#run();
    if (outcome.error !== undefined) throw outcome.error;
    return outcome;
  }

  #run(): Promise<Outcome> {
    this.#outcome ??= this.#execute();
    return this.#outcome;
  }

  async #execute(): Promise<Outcome> {
    const { store, registry } = await this.#seed();
    const before = await store.log.head();
    let result: unknown;
    let error: unknown;
    try {
      result = await this.#domain.process(this.#command as Returning<unknown, "command">, this.#options);
    } catch (thrown) {
      error = thrown;
    }
    const appended: object[] = [];
    for (let after = before; ; ) {
      const page = await store.log.readLog({ after, limit: 1000 });
      appended.push(...page.messages.map((message) => registry.events.restore(message, message.id)));
      if (page.messages.length < 1000) return { result, error, appended };
      after = page.through;
    }
  }
}

/** Appends an event as a command would, inline projections included. */
async function append(runtime: Runtime, event: object, tenant: string): Promise<void> {
  const { registry, store, clock } = runtime;
  const name = nameOf(event, "event");
  const owner = [...registry.aggregates.values()].find(
    ({ [definition]: own }) => own.eventSourced && own.appliers.has(name),
  );
  const id = (event as Record<string, unknown>)[owner?.[definition].shape.identifier.name ?? ""];
  if (owner === undefined || id === undefined) throw homeless(name);
  const now = clock.now().getTime();
  const cause = { correlationId: messageId(event), causationId: null, traceparent: null, extensions: null };
  const envelope = { recordedAt: now, occurredAt: now, ...cause };
  const stream = streamOf(owner, tenant, String(id));
  const [last] = await store.log.readStream(stream, { direction: "backwards", limit: 1 });
  const base = last?.version ?? -1;
  const raised = { event, order: 0, source: { stream, base }, version: base + 1 };
  await store.commit({
    appends: [{ stream, expectedVersion: "any", messages: [serialiseEvent(event, envelope)] }],
    documents: await inlineWrites(runtime, { id: messageId(event), causationId: null, tenant, envelope }, [raised]),
  });
}

/** An aggregate as it is stored, past every cache. */
async function load(
  runtime: Runtime,
  aggregate: AggregateClass,
  id: string,
  tenant: string,
): Promise<object | undefined> {
  const { store } = runtime;
  if (aggregate[definition].eventSourced) {
    return hydrate(runtime, store.log, aggregate, streamOf(aggregate, tenant, id));
  }
  const document = (await store.documents.get(aggregate[definition].name, tenant, [id])).get(id);
  return document === undefined ? undefined : fromDocument(aggregate, document);
}

async function assertRow<Row extends object>(
  domain: Domain,
  projection: ProjectionClass<Row>,
  id: string,
  row: Partial<Row>,
  tenant = "",
): Promise<void> {
  await domain.settle();
  const actual = await domain.view(projection, { tenant }).get(id);
  if (actual === undefined) throw failed(`no row ${id} in ${projection[definition].name}`, JSON.stringify(row));
  comparePart(actual, row, `Row ${id} of ${projection[definition].name} is not as expected`);
}

function comparePart(actual: object, expected: object, message: string): void {
  const part = Object.fromEntries(Object.keys(expected).map((key) => [key, (actual as Record<string, unknown>)[key]]));
  same(part, { ...expected }, message);
}

function same(actual: unknown, expected: unknown, message: string): void {
  try {
    deepStrictEqual(actual, expected);
  } catch (error) {
    const diff = error instanceof Error ? error.message : String(error);
    throw new AssertionError({ message: `${message}\n${diff}`, actual, expected, operator: "deepStrictEqual" });
  }
}

function failed(actual: string, expected: string): AssertionError {
  return new AssertionError({ message: `Expected: ${expected}\nGot: ${actual}`, actual, expected, operator: "given" });
}

/** An event as a plain object that a diff shows well. */
function readable(event: object): object {
  return { event: nameOf(event, "event"), ...encodeMessage(event) };
}

function nameOf(message: object, kind: "event" | "command"): string {
  const own = messageDefinition(message, kind);
  if (own !== undefined) return own.name;
  throw new NereusError("VALIDATION_FAILED", `given/when/then takes ${kind}s here, not ${String(message)}`, {
    fix: `Pass an instance of a class made by ${kind === "event" ? "Event" : "Command"}(…).`,
  });
}

function homeless(name: string): NereusError {
  return new NereusError(
    "UNKNOWN_EVENT_TYPE",
    `No event-sourced aggregate of the domain applies ${name}, or it names no identity`,
    {
      element: name,
      fix: "Give events that an aggregate lists with .applies; bring state-stored ones about by processing commands first.",
    },
  );
}
