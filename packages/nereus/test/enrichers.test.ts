import {
  applicationService,
  type Enrichers,
  type EventMetadata,
  eventHandlers,
  identifier,
  Projection,
  projector,
} from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  Account,
  type Branch,
  bank,
  Deposit,
  Deposited,
  Open,
  OpenBranch,
  Opened,
  RenameBranch,
  Withdraw,
} from "./support/bank.ts";
import { storedMessages } from "./support/log.ts";
import { type Place, places } from "./support/places.ts";
import { script } from "./support/scripts.ts";

async function extensionsOf(place: Place): Promise<unknown[]> {
  return (await storedMessages(place)).map(({ extensions }) => (extensions === null ? null : JSON.parse(extensions)));
}

describe.each(places())("on $name", (kind) => {
  test("first in, first out; later ones win; undefined, null and {} add nothing", async () => {
    const place = kind.open();
    const enrichers: Enrichers = {
      commands: [
        () => ({ a: 1, b: 1, c: 1 }),
        (command) => ({ b: 2, of: command?.constructor.name }),
        () => undefined,
        () => null as never,
        () => ({}),
      ],
      events: [() => ({ c: 3, d: 3 }), (event) => ({ d: 4, event: event.constructor.name })],
    };
    const domain = await place.start(bank, { enrichers });
    await domain.process(new Open({ accountId: "1" }), { extensions: { a: 0, given: true } });
    expect(await extensionsOf(place)).toEqual([{ a: 1, given: true, b: 2, of: "Open", c: 3, d: 4, event: "Opened" }]);
  });

  test("everything that a request leads to carries its extensions, and no payload has them", async () => {
    const place = kind.open();
    const seen: unknown[] = [];
    const bonus = eventHandlers("Bonus", { run: "inline" }).on(Opened, async ({ accountId }, { metadata, process }) => {
      seen.push(metadata.extensions);
      await process(new Deposit({ accountId, amount: 1 }));
    });
    const later = eventHandlers("Later").on(Deposited, async ({ amount }, { metadata, send }) => {
      seen.push(metadata.extensions);
      if (amount === 1) await send(new OpenBranch({ branchId: "b" }));
    });
    const look = script(Account, async ({ repository, metadata, process }) => {
      seen.push(metadata.extensions);
      await process(new Open({ accountId: "1" }));
      return repository;
    });
    class Row extends Projection("Row", { accountId: identifier(), agent: z.string() }) {}
    const agentOf = ({ extensions }: EventMetadata) => String(extensions["agent"]);
    const rows = projector(Row, { run: "async" }).create(Opened, ({ accountId }, metadata) => ({
      accountId,
      agent: agentOf(metadata),
    }));
    class Inline extends Projection("Inline", { accountId: identifier(), agent: z.string() }) {}
    const inline = projector(Inline, { run: "inline" }).create(Opened, ({ accountId }, metadata) => ({
      accountId,
      agent: agentOf(metadata),
    }));
    const domain = await place.start([...bank, bonus, later, look.handlers, Row, rows, Inline, inline]);
    await domain.process(look.command(), { extensions: { agent: "browser" } });
    await domain.settle();
    expect(seen).toEqual(Array(3).fill({ agent: "browser" }));
    expect((await domain.view(Row).get("1"))?.agent).toBe("browser");
    expect((await domain.view(Inline).get("1"))?.agent).toBe("browser");
    for (const { data, extensions } of await storedMessages(place, ["event", "command"])) {
      expect(data).not.toContain("browser");
      expect(extensions).toContain("browser");
    }
    const history = script(Account, async ({ repository }) => {
      const entries = [];
      for await (const { metadata } of repository(Account).history("1")) entries.push(metadata.extensions);
      return entries;
    });
    const other = await place.start([...bank, history.handlers]);
    expect(await other.process(history.command())).toEqual([{ agent: "browser" }, { agent: "browser" }]);
  });

  test("how a command was sent is nobody's business", async () => {
    const place = kind.open();
    const seen: unknown[] = [];
    const see = eventHandlers("See").on(Opened, (_, { metadata }) => void seen.push(metadata.extensions));
    const domain = await place.start([...bank, see]);
    await domain.send(new Open({ accountId: "1" }), { priority: "high", idempotencyKey: "k" });
    await domain.settle();
    expect(seen).toEqual([{}]);
    expect(await extensionsOf(place)).toEqual([null]);
  });

  test("an event's enricher is asked once per event, also where inline handlers look at it before; all are told the same", async () => {
    const place = kind.open();
    const asked: unknown[] = [];
    const seen: unknown[] = [];
    const enrichers: Enrichers = {
      events: [
        (event, aggregate) => {
          asked.push([event.constructor.name, aggregate.constructor.name]);
          return { n: asked.length };
        },
      ],
    };
    const bonus = eventHandlers("Bonus", { run: "inline" })
      .on(Opened, async ({ accountId }, { metadata, process }) => {
        seen.push(metadata.extensions);
        await process(new Deposit({ accountId, amount: 1 }));
      })
      .on(Deposited, (_, { metadata }) => void seen.push(metadata.extensions));
    const domain = await place.start([...bank, bonus], { enrichers });
    await domain.process(new Open({ accountId: "1" }));
    expect(asked).toEqual([
      ["Opened", "Account"],
      ["Deposited", "Account"],
    ]);
    expect(seen).toEqual([{ n: 1 }, { n: 2 }]);
    expect(await extensionsOf(place)).toEqual(seen);
  });

  test("an event's enricher sees its aggregate, of either kind", async () => {
    const place = kind.open();
    const enrichers: Enrichers = {
      events: [
        (_, aggregate) =>
          aggregate instanceof Account ? { balance: aggregate.balance } : { name: (aggregate as Branch).name },
      ],
    };
    const domain = await place.start(bank, { enrichers });
    await domain.process(new OpenBranch({ branchId: "b" }));
    await domain.process(new RenameBranch({ branchId: "b", name: "North" }));
    await domain.process(new Open({ accountId: "1" }));
    await domain.process(new Deposit({ accountId: "1", amount: 7 }));
    expect(await extensionsOf(place)).toEqual([{ name: "North" }, { balance: 0 }, { balance: 7 }]);
  });

  test.each<[string, () => unknown, string]>([
    [
      "throws",
      () => {
        throw new Error("no directory");
      },
      "no directory",
    ],
    ["answers a promise", async () => ({ a: 1 }), "OPTION_INVALID"],
    ["answers a list", () => [1], "OPTION_INVALID"],
    ["answers a text", () => "a", "OPTION_INVALID"],
    ["answers a date within", () => ({ at: new Date(0) }), "PAYLOAD_NOT_SERIALISABLE"],
    ["answers a bigint within", () => ({ deep: [{ n: 1n }] }), "PAYLOAD_NOT_SERIALISABLE"],
    ["answers a function within", () => ({ f: () => 1 }), "PAYLOAD_NOT_SERIALISABLE"],
    ["takes the framework's key", () => ({ nereus: { key: "k" } }), "OPTION_INVALID"],
  ])("an enricher that %s refuses the command, of commands and of events", async (_, enrich, why) => {
    const place = kind.open();
    const service = applicationService("Service", { open: ({ process }) => process(new Open({ accountId: "1" })) });
    for (const key of ["commands", "events"] as const) {
      const domain = await place.start([...bank, service], { enrichers: { [key]: [enrich as never] } });
      const outcomes = [
        domain.process(new Open({ accountId: "1" })),
        domain.service(service).open(),
        ...(key === "commands" ? [domain.send(new Open({ accountId: "1" }))] : []),
      ];
      for (const outcome of await Promise.allSettled(outcomes)) {
        const failure: unknown = outcome.status === "rejected" ? outcome.reason : outcome.value;
        expect([(failure as { code?: string }).code, (failure as Error).message]).toContain(why);
      }
    }
    expect(await storedMessages(place, ["event", "command"])).toEqual([]);
  });

  test("extensions that a caller gives are held to the same", async () => {
    const place = kind.open();
    const domain = await place.start(bank);
    for (const extensions of [[], "a", 7, { nereus: 1 }, { at: new Date(0) }, { n: Number.NaN }, null]) {
      for (const call of [
        () => domain.process(new Open({ accountId: "1" }), { extensions: extensions as never }),
        () => domain.send(new Open({ accountId: "1" }), { extensions: extensions as never }),
      ]) {
        await expect(call()).rejects.toMatchObject({
          code: expect.stringMatching(/OPTION_INVALID|PAYLOAD_NOT_SERIALISABLE/),
        });
      }
    }
    expect(await storedMessages(place, ["event", "command"])).toEqual([]);
  });

  test("hostile keys and values come back as they were", async () => {
    const place = kind.open();
    const extensions = JSON.parse(
      '{"__proto__":{"polluted":true},"constructor":1,"":"","ключ":"\\u2028😀","deep":[[{"a":null}]]}',
    );
    let seen: unknown;
    const see = eventHandlers("See").on(Opened, (_, { metadata }) => {
      seen = metadata.extensions;
    });
    const domain = await place.start([...bank, see], { enrichers: { commands: [() => ({ later: 1 })] } });
    await domain.process(new Open({ accountId: "1" }), { extensions });
    await domain.settle();
    expect(JSON.parse(JSON.stringify(seen))).toEqual(JSON.parse(JSON.stringify({ ...extensions, later: 1 })));
    expect(Object.keys(seen as object)).toContain("__proto__");
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test("what is changed in extensions after the call, or by a handler, changes nothing that is stored", async () => {
    const place = kind.open();
    const extensions: Record<string, unknown> = { agent: "browser" };
    const meddling = script(Account, async ({ metadata, process, send }) => {
      try {
        (metadata.extensions as Record<string, unknown>)["agent"] = "meddled";
      } catch {
        // it may be frozen
      }
      await process(new Open({ accountId: "1" }));
      await send(new Deposit({ accountId: "1", amount: 1 }));
    });
    const domain = await place.start([...bank, meddling.handlers]);
    const done = domain.process(meddling.command(), { extensions });
    extensions["agent"] = "changed";
    await done;
    await domain.settle();
    expect(await extensionsOf(place)).toEqual([{ agent: "browser" }, { agent: "browser" }]);
    expect(await domain.process(new Withdraw({ accountId: "1", amount: 0 }))).toBe(1);
  });
});
