import {
  applicationService,
  Command,
  type CommandContext,
  Domain,
  type DomainSendOptions,
  Event,
  type EventContext,
  type EventHandlers,
  type EventMetadata,
  EventSourcedAggregate,
  type EventSourcedRepository,
  eventHandlers,
  identifier,
  type MessageMetadata,
  Query,
  type Receipt,
  type SendOptions,
  subscriber,
} from "nereus";
import { memory } from "nereus/memory";
import { deliver } from "nereus/testing";
import { z } from "zod";
import { assertType, type Equal } from "./equal.ts";

class Opened extends Event("Opened", { accountId: identifier(), holder: z.string() }) {}
class Deposited extends Event("Deposited", { accountId: identifier(), amount: z.number(), on: z.date() }) {}
class Account extends EventSourcedAggregate("Account", { accountId: identifier() })
  .applies(Opened, () => undefined)
  .applies(Deposited, () => undefined) {}
class Open extends Command("Open", { accountId: identifier() }).returns<string>() {}
class Close extends Command("Close", { accountId: identifier() }) {}
class Count extends Query("Count", {}).returns<number>() {}

export const handlers = eventHandlers("Handlers", { run: "inline", retries: 5 })
  .on(Opened, (event) => {
    assertType<Equal<typeof event, Opened>>();
    // @ts-expect-error not a field of the event
    event.amount;
    // @ts-expect-error events do not change
    event.holder = "Eve";
  })
  .on(Deposited, async (event, context) => {
    assertType<Equal<typeof event, Deposited>>();
    assertType<Equal<typeof event.on, Date>>();
    assertType<Equal<typeof context, EventContext>>();
    assertType<Equal<typeof context.metadata, EventMetadata>>();
    const { process, send, query, repository, metadata, clock, log } = context;
    const id = await process(new Open({ accountId: "1" }));
    assertType<Equal<typeof id, string>>();
    const nothing = await process(new Close({ accountId: "1" }));
    assertType<Equal<typeof nothing, void>>();
    const sent = send(new Open({ accountId: "1" }), {
      at: clock.now(),
      priority: "low",
      idempotencyKey: "k",
      deadline: new Date(),
    });
    assertType<Equal<typeof sent, Promise<Pick<Receipt, "commandId">>>>();
    await sent;
    const count = await query(new Count({}));
    assertType<Equal<typeof count, number>>();
    assertType<Equal<ReturnType<typeof repository<typeof Account>>, EventSourcedRepository<Account>>>();
    assertType<Equal<typeof metadata.extensions, Readonly<Record<string, unknown>>>>();
    log.warn("seen");
    // @ts-expect-error a query is not sent
    await send(new Count({}));
    // @ts-expect-error an event is not sent
    await send(new Opened({ accountId: "1", holder: "Ada" }));
    // @ts-expect-error nor is anything else
    await send({ accountId: "1" });
    // @ts-expect-error a query is asked
    await process(new Count({}));
    // @ts-expect-error a command is processed
    await query(new Open({ accountId: "1" }));
    // @ts-expect-error not a priority
    await send(new Open({ accountId: "1" }), { priority: "urgent" });
    // @ts-expect-error a moment is a Date
    await send(new Open({ accountId: "1" }), { at: "tomorrow" });
    // @ts-expect-error it belongs to the tenant of its event
    await send(new Open({ accountId: "1" }), { tenant: "x" });
    // @ts-expect-error its key is called as that of process
    await send(new Open({ accountId: "1" }), { key: "k" });
    // @ts-expect-error metadata only tell
    metadata.tenant = "x";
    // @ts-expect-error extensions too
    metadata.extensions["a"] = 1;
  })
  // what a handler answers is let go
  .on(Opened, () => 7)
  .on(Opened, async () => "text");
assertType<Equal<typeof handlers, EventHandlers>>();

eventHandlers("Defaults");
eventHandlers("Defaults", {});
// @ts-expect-error a name is needed
eventHandlers();
// @ts-expect-error handlers run inline or async
eventHandlers("X", { run: "sometimes" });
// @ts-expect-error a number of times
eventHandlers("X", { retries: "often" });
// @ts-expect-error not an option
eventHandlers("X", { retry: 3 });
// @ts-expect-error a command is no event
eventHandlers("X").on(Open, () => undefined);
// @ts-expect-error an aggregate is no event
eventHandlers("X").on(Account, () => undefined);
// @ts-expect-error an event itself is no class
eventHandlers("X").on(new Opened({ accountId: "1", holder: "Ada" }), () => undefined);
// @ts-expect-error a handler of another event
eventHandlers("X").on(Opened, (_: Deposited) => undefined);
// @ts-expect-error a handler is a function
eventHandlers("X").on(Opened, "handle");

export const desk = applicationService("Desk", {
  async open({ process, metadata }, accountId: string, holder?: string) {
    assertType<Equal<typeof metadata, MessageMetadata>>();
    await process(new Close({ accountId }));
    return { accountId, holder };
  },
  count: ({ query }: CommandContext) => query(new Count({})),
  ping: () => "pong" as const,
});
export const domain = new Domain("bank", { elements: [Account, handlers, desk], store: memory() });
const calls = domain.service(desk, { tenant: "acme", correlationId: "c" });
export const opened = await calls.open("1", "Ada");
assertType<Equal<typeof opened, { accountId: string; holder: string | undefined }>>();
export const counted = calls.count();
assertType<Equal<typeof counted, Promise<number>>>();
export const pong = calls.ping();
assertType<Equal<typeof pong, Promise<"pong">>>();
await calls.open("1");
// @ts-expect-error the caller does not give the context
await calls.open({}, "1");
// @ts-expect-error a text is needed
await calls.open();
// @ts-expect-error a text is needed
await calls.open(1);
// @ts-expect-error too many
await calls.ping(1);
// @ts-expect-error not a use case
calls.close("1");
// @ts-expect-error not a service
domain.service(Account);
// @ts-expect-error a call has no key
domain.service(desk, { idempotencyKey: "k" });
// @ts-expect-error use cases are functions
applicationService("X", { open: "yes" });
// @ts-expect-error the first parameter is the context
applicationService("X", { open: (id: string) => id });

const message = z.object({ account: z.string(), cents: z.string().transform(Number), note: z.string().default("") });
export const gateway = subscriber("Gateway", { stream: "payments", message }, async (payment, context) => {
  assertType<Equal<typeof payment, { account: string; cents: number; note: string }>>();
  assertType<Equal<typeof context, CommandContext>>();
  // @ts-expect-error not a field of the message
  payment.colour;
  await context.process(new Close({ accountId: payment.account }));
});
subscriber("Text", { stream: "s", broker: "second", message: z.string() }, (text) => {
  assertType<Equal<typeof text, string>>();
});
// @ts-expect-error the schema is needed
subscriber("X", { stream: "s" }, () => undefined);
// @ts-expect-error the stream is needed
subscriber("X", { message: z.string() }, () => undefined);
// @ts-expect-error not a schema
subscriber("X", { stream: "s", message: String }, () => undefined);
// @ts-expect-error the message is an object
subscriber("X", { stream: "s", message }, (text: string) => text);
await deliver(domain, gateway, { account: "1", cents: "5" }, { id: "m-1", tenant: "acme" });
// @ts-expect-error not a subscriber
await deliver(domain, desk, {});
// @ts-expect-error not an option
await deliver(domain, gateway, {}, { key: "k" });

export const receipt = await domain.send(new Open({ accountId: "1" }), {
  tenant: "t",
  priority: "critical",
  at: new Date(),
});
assertType<Equal<typeof receipt, Receipt>>();
// @ts-expect-error a query is not sent
domain.send(new Count({}));
// @ts-expect-error an event is not sent
domain.send(new Opened({ accountId: "1", holder: "Ada" }));
// @ts-expect-error sent commands have a deadline, not a timeout
domain.send(new Open({ accountId: "1" }), { timeout: 5 });
// @ts-expect-error their key is called as that of process
domain.send(new Open({ accountId: "1" }), { key: "k" });
// @ts-expect-error they happen when they are handled
domain.send(new Open({ accountId: "1" }), { occurredAt: new Date() });
export const options: DomainSendOptions = { idempotencyKey: "k" } satisfies SendOptions;
domain.process(new Open({ accountId: "1" }), { timeout: 500, extensions: { a: 1 } });
// @ts-expect-error a span in milliseconds
domain.process(new Open({ accountId: "1" }), { timeout: "5s" });
domain.process(new Open({ accountId: "1" }), { timeout: { minutes: 1, seconds: 30 } });
// @ts-expect-error a span has no such part
domain.process(new Open({ accountId: "1" }), { timeout: { second: 30 } });
// @ts-expect-error a moment is a deadline
domain.process(new Open({ accountId: "1" }), { timeout: new Date() });
// @ts-expect-error a span is a timeout
domain.process(new Open({ accountId: "1" }), { deadline: 5000 });
// @ts-expect-error queries have the time limit of the domain
domain.query(new Count({}), { timeout: 5 });
domain.stop({ within: { seconds: 20 } });
// @ts-expect-error a span in milliseconds
domain.stop({ within: "20s" });
// @ts-expect-error the span is called within
domain.stop({ timeout: 20 });
// @ts-expect-error a span in milliseconds
domain.engine().stop({ within: new Date() });
// @ts-expect-error extensions are an object
domain.process(new Open({ accountId: "1" }), { extensions: "a" });

export const enriched = new Domain("bank", {
  elements: [],
  store: memory(),
  enrichers: {
    commands: [(command) => ({ of: command?.constructor.name }), () => undefined],
    events: [(event, aggregate) => ({ event: event.constructor.name, of: aggregate.constructor.name })],
  },
});
// @ts-expect-error enrichers answer at once
new Domain("bank", { elements: [], store: memory(), enrichers: { commands: [async () => "text"] } });
// @ts-expect-error a list of functions
new Domain("bank", { elements: [], store: memory(), enrichers: { events: () => ({}) } });
// @ts-expect-error of commands and of events
new Domain("bank", { elements: [], store: memory(), enrichers: { queries: [] } });
