import {
  applicationService,
  Command,
  type CommandContext,
  commandHandlers,
  type Domain,
  type Element,
  Event,
  EventSourcedAggregate,
  eventHandlers,
  identifier,
  subscriber,
} from "nereus";
import { deliver } from "nereus/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { bank, Deposit, Open, Opened } from "./support/bank.ts";
import { storedMessages } from "./support/log.ts";
import { type Place, places } from "./support/places.ts";

class Happened extends Event("Happened", { id: identifier(), step: z.string() }) {}
class Thing extends EventSourcedAggregate("Thing", { id: identifier() }).applies(Happened, (thing, event) => {
  thing.id = event.id;
}) {}
class Do extends Command("Do", { id: identifier(), step: z.string() }) {}

interface Known {
  readonly id: string;
  readonly causationId: string | null;
  readonly correlationId: string;
}
type Told = Map<string, Known>;

/** What each handler was told of its message, by step. */
const told: Told = new Map();
const tell = (step: string, { id, causationId, correlationId }: Known) =>
  void told.set(step, { id, causationId, correlationId });

const things: Element[] = [
  Thing,
  commandHandlers(Thing).on(Do, async ({ id, step }, { repository, process, metadata }) => {
    tell(`Do ${step}`, metadata);
    const thing = (await repository(Thing).find(id)) ?? Thing.create(() => undefined);
    thing.raise(new Happened({ id, step }));
    await repository(Thing).add(thing);
    if (step === "1") await process(new Do({ id: "nested", step: "1.1" }));
    if (step === "1") {
      thing.raise(new Happened({ id, step: "1 again" }));
      await repository(Thing).add(thing);
    }
  }),
  eventHandlers("Inline", { run: "inline" }).on(Happened, async ({ id, step }, { process, metadata, repository }) => {
    tell(`inline ${step}`, metadata);
    if (step !== "1") return;
    await process(new Do({ id: "inline", step: "2" }));
    const thing = await repository(Thing).get(id);
    thing.raise(new Happened({ id, step: "by the inline handler" }));
    await repository(Thing).add(thing);
  }),
  eventHandlers("Async").on(Happened, async ({ step }, { process, send, metadata }) => {
    tell(`async ${step}`, metadata);
    if (step === "2") await send(new Do({ id: "sent", step: "4" }));
    if (step === "2") await process(new Do({ id: "async", step: "3" }));
  }),
];

/** Every stored message by its step, and the id of what caused it. */
async function stored(place: Place): Promise<Told> {
  const all = await storedMessages(place, ["event", "command"]);
  const keyOf = (type: string, data: string) => `${type} ${JSON.parse(data).step ?? JSON.parse(data).accountId}`;
  return new Map(
    all.map(({ type, data, id, causationId, correlationId }) => [
      keyOf(type, data),
      { id, causationId, correlationId },
    ]),
  );
}

/** Who caused a message, as the step that it belongs to: `Do 1 > Happened 1 > …`. */
function ancestry(messages: Told, key: string): string[] {
  const message = messages.get(key);
  if (message?.causationId == null) return [key];
  const parent = [...messages].find(([, { id }]) => id === message.causationId);
  return [...(parent === undefined ? [`? ${message.causationId}`] : ancestry(messages, parent[0])), key];
}

/** The messages that are stored and those that handlers were told of. */
const family = async (place: Place): Promise<Told> =>
  new Map([...[...told].filter(([step]) => step.startsWith("Do")), ...(await stored(place))]);

describe.each(places())("on $name", (kind) => {
  test("the whole tree: each message names the one that caused it, and all of them one correlation", async () => {
    told.clear();
    const place = kind.open();
    const domain = await place.start(things);
    const command = new Do({ id: "1", step: "1" });
    await domain.process(command, { correlationId: "request" });
    await domain.settle();
    const all = await family(place);
    expect(ancestry(all, "Happened 1")).toEqual(["Do 1", "Happened 1"]);
    expect(ancestry(all, "Happened 1 again")).toEqual(["Do 1", "Happened 1 again"]);
    expect(ancestry(all, "Happened 1.1")).toEqual(["Do 1", "Do 1.1", "Happened 1.1"]);
    expect(ancestry(all, "Happened 2")).toEqual(["Do 1", "Happened 1", "Do 2", "Happened 2"]);
    expect(ancestry(all, "Happened by the inline handler")).toEqual([
      "Do 1",
      "Happened 1",
      "Happened by the inline handler",
    ]);
    const second = ["Do 1", "Happened 1", "Do 2", "Happened 2"];
    expect(ancestry(all, "Happened 3")).toEqual([...second, "Do 3", "Happened 3"]);
    expect(ancestry(all, "Happened 4")).toEqual([...second, "Do 4", "Happened 4"]);
    expect(new Set([...all.values(), ...told.values()].map(({ correlationId }) => correlationId))).toEqual(
      new Set(["request"]),
    );
    // what handlers of events are told is what is stored
    for (const [step, { id, causationId }] of told) {
      const [kindOf, ...rest] = step.split(" ");
      if (kindOf === "Do") continue;
      expect({ id, causationId }).toEqual({
        id: all.get(`Happened ${rest.join(" ")}`)?.id,
        causationId: all.get(`Happened ${rest.join(" ")}`)?.causationId,
      });
    }
  });

  test("the same holds after a restart, and when the roots are sent, called or delivered", async () => {
    const desk = applicationService("Desk", {
      start: ({ process }: CommandContext) => process(new Do({ id: "c", step: "1" })),
    });
    const gateway = subscriber("Gateway", { stream: "s", message: z.string() }, (id, { process }) =>
      process(new Do({ id, step: "1" })),
    );
    const roots: ((domain: Domain) => Promise<unknown>)[] = [
      (domain) => domain.send(new Do({ id: "a", step: "1" }), { correlationId: "sent" }),
      (domain) => domain.service(desk, { correlationId: "called" }).start(),
      (domain) => deliver(domain, gateway, "d", { correlationId: "delivered" }),
    ];
    for (const root of roots) {
      told.clear();
      const own = kind.open();
      await root(await own.start([...things, desk, gateway]));
      const domain = await own.start([...things, desk, gateway]);
      await domain.settle();
      const all = await family(own);
      const line = ancestry(all, "Happened 4").slice(-7);
      expect(line.slice(-6)).toEqual(["Do 1", "Happened 1", "Do 2", "Happened 2", "Do 4", "Happened 4"]);
      expect(new Set([...all.values()].map(({ correlationId }) => correlationId)).size).toBe(1);
    }
  });

  test("B12: a command's id is its own: never the aggregate's, and different for commands of one aggregate", async () => {
    const place = kind.open();
    const domain = await place.start(bank);
    const receipts = [
      await domain.send(new Open({ accountId: "1" })),
      await domain.send(new Deposit({ accountId: "1", amount: 1 })),
      await domain.send(new Deposit({ accountId: "1", amount: 1 })),
    ];
    await domain.settle();
    const ids = receipts.map(({ commandId }) => commandId);
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect((await storedMessages(place)).map(({ causationId }) => causationId)).toEqual(ids);
  });

  test("B12: a command that an event's handler issues has the event as its cause, inline as well as async", async () => {
    const seen: unknown[] = [];
    class See extends Command("See", {}) {}
    const see = commandHandlers(Thing).on(See, (_, { metadata }) => void seen.push(metadata.causationId));
    for (const run of ["inline", "async"] as const) {
      const place = kind.open();
      const handlers = eventHandlers("Handlers", { run }).on(Opened, (_, { process }) => process(new See({})));
      const domain = await place.start([...bank, Thing, see, handlers]);
      await domain.process(new Open({ accountId: "1" }));
      await domain.settle();
      const [opened] = await storedMessages(place);
      expect(seen.splice(0)).toEqual([opened?.id]);
    }
  });

  test("B13: the priority of a sent command is stored, and kept over a restart", async () => {
    const place = kind.open();
    const domain = await place.start(bank);
    await domain.process(new Open({ accountId: "1" }));
    await domain.send(new Deposit({ accountId: "1", amount: 1 }), { priority: "bulk" });
    await domain.send(new Deposit({ accountId: "1", amount: 2 }));
    await domain.send(new Deposit({ accountId: "1", amount: 3 }), { priority: "critical" });
    await (await place.start(bank)).settle();
    expect((await storedMessages(place)).slice(1).map(({ data }) => JSON.parse(data).amount)).toEqual([3, 2, 1]);
  });

  test("B14: an event keeps its correlation, cause, times and place, wherever it is read", async () => {
    const place = kind.open();
    const seen: object[] = [];
    const handlers = eventHandlers("Handlers").on(Opened, (_, { metadata }) => void seen.push(metadata));
    const domain = await place.start([...bank, handlers]);
    await domain.process(new Open({ accountId: "1" }), { correlationId: "c-1", occurredAt: new Date(5) });
    // read within the context of another message, by another process
    const other = await place.start([...bank, handlers]);
    await other.process(new Open({ accountId: "2" }), { correlationId: "c-2" });
    await other.settle();
    const events = await storedMessages(place);
    expect(seen).toEqual(
      events.map(({ id, causationId, correlationId, recordedAt, occurredAt, version, stream }) => ({
        id,
        causationId,
        correlationId,
        recordedAt: new Date(recordedAt),
        occurredAt: new Date(occurredAt),
        version,
        category: stream.category,
        streamId: stream.id,
        tenant: "",
        extensions: {},
      })),
    );
    expect(events.map(({ correlationId, occurredAt }) => [correlationId, occurredAt === 5])).toEqual([
      ["c-1", true],
      ["c-2", false],
    ]);
  });
});
