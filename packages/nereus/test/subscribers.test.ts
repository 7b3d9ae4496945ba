import { subscriber } from "nereus";
import { deliver } from "nereus/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { bank, Deposit, Open, Withdraw } from "./support/bank.ts";
import { storedMessages } from "./support/log.ts";
import { places } from "./support/places.ts";

const message = z.object({
  account: z.string().trim(),
  cents: z.number().int().default(1),
  state: z.enum(["completed", "failed"]),
});
const gateway = subscriber(
  "Gateway",
  { stream: "payments", message },
  async ({ account, cents, state }, { process }) => {
    if (state === "completed") await process(new Deposit({ accountId: account, amount: cents }));
  },
);
const paid = { account: " 1 ", cents: 5, state: "completed" } as const;
const balance = new Withdraw({ accountId: "1", amount: 0 });

describe.each(places())("on $name", (kind) => {
  test("a message is parsed, handled in one unit of work, and takes effect once by its id", async () => {
    const place = kind.open();
    const domain = await place.start([...bank, gateway]);
    await domain.process(new Open({ accountId: "1" }));
    for (const id of ["m1", "m1", "m2", "M1"]) await deliver(domain, gateway, paid, { id });
    expect(await domain.process(balance)).toBe(15);
    await deliver(domain, gateway, { ...paid, state: "failed" }, { id: "m3" });
    expect(await domain.process(balance)).toBe(15);
    await deliver(domain, gateway, paid);
    await deliver(domain, gateway, paid); // without an id, each is one of its own
    expect(await domain.process(balance)).toBe(25);
    const restarted = await place.start([...bank, gateway]);
    await deliver(restarted, gateway, paid, { id: "m1" });
    expect(await restarted.process(balance)).toBe(25);
  });

  test("a known id with another message is refused, and the first one stays as it took effect", async () => {
    const place = kind.open();
    const domain = await place.start([...bank, gateway]);
    await domain.process(new Open({ accountId: "1" }));
    await domain.deliver(gateway, paid, { id: "m" });
    const refused = { code: "MESSAGE_ID_REUSED", element: "Gateway" };
    for (const other of [
      { ...paid, cents: 6 },
      { ...paid, state: "failed" },
    ]) {
      await expect(domain.deliver(gateway, other, { id: "m" })).rejects.toMatchObject(refused);
    }
    const restarted = await place.start([...bank, gateway]);
    await expect(restarted.deliver(gateway, { ...paid, cents: 6 }, { id: "m" })).rejects.toMatchObject(refused);
    expect(await restarted.process(balance)).toBe(5);
  });

  test("a message that comes again in another envelope, or is filled in otherwise, is the same one", async () => {
    const place = kind.open();
    let filledIn = 0;
    const webhook = subscriber(
      "Webhook",
      { stream: "payments", message: message.extend({ seen: z.number().default(() => ++filledIn) }) },
      ({ account, cents }, { process }) => process(new Deposit({ accountId: account, amount: cents })),
    );
    const strict = subscriber("Strict", { stream: "payments", message }, ({ account, cents }, { process }) =>
      process(new Deposit({ accountId: account, amount: cents })),
    );
    const domain = await place.start([...bank, webhook, strict]);
    await domain.process(new Open({ accountId: "1" }));
    for (let time = 0; time < 2; time++) await domain.deliver(webhook, paid, { id: "m" });
    await domain.deliver(webhook, { state: "completed", cents: 5, account: " 1 " }, { id: "m" });
    expect(filledIn).toBe(3);
    for (const attempt of [1, 2]) await domain.deliver(strict, { ...paid, attempt }, { id: "m" });
    expect(await domain.process(balance)).toBe(10);
  });

  test("concurrent deliveries of one message take effect once, also in two processes", async () => {
    const place = kind.open();
    const domains = [await place.start([...bank, gateway]), await place.start([...bank, gateway])];
    await domains[0]!.process(new Open({ accountId: "1" }));
    const all = Array.from({ length: 40 }, (_, n) => deliver(domains[n % 2]!, gateway, paid, { id: `m${n % 10}` }));
    await Promise.all(all);
    expect(await domains[1]!.process(balance)).toBe(50);
  });

  test("a message that is not as the subscriber says is refused, and its id stays free", async () => {
    const place = kind.open();
    const domain = await place.start([...bank, gateway]);
    await domain.process(new Open({ accountId: "1" }));
    const wrong = { account: 1, cents: 0.5, state: "lost" };
    await expect(domain.deliver(gateway, wrong, { id: "m" })).rejects.toMatchObject({
      code: "VALIDATION_FAILED",
      element: "Gateway",
      issues: [{ path: ["account"] }, { path: ["cents"] }, { path: ["state"] }],
    });
    for (const odd of [undefined, null, "text", 7, []]) {
      await expect(domain.deliver(gateway, odd, { id: "m" })).rejects.toMatchObject({ code: "VALIDATION_FAILED" });
    }
    await deliver(domain, gateway, paid, { id: "m" });
    expect(await domain.process(balance)).toBe(5);
  });

  test("a message whose handler failed may be delivered again", async () => {
    const place = kind.open();
    const domain = await place.start([...bank, gateway]);
    await expect(deliver(domain, gateway, paid, { id: "m" })).rejects.toMatchObject({ code: "AGGREGATE_NOT_FOUND" });
    await domain.process(new Open({ accountId: "1" }));
    await deliver(domain, gateway, paid, { id: "m" });
    expect(await domain.process(balance)).toBe(5);
  });

  test("ids belong to a tenant and a subscriber", async () => {
    const place = kind.open();
    const other = subscriber("Other", { stream: "payments", broker: "second", message }, ({ account }, { process }) =>
      process(new Deposit({ accountId: account, amount: 100 })),
    );
    const domain = await place.start([...bank, gateway, other]);
    for (const tenant of ["", "acme"]) {
      await domain.process(new Open({ accountId: "1" }), { tenant });
      await deliver(domain, gateway, paid, { id: "m", tenant });
      await deliver(domain, other, paid, { id: "m", tenant });
      expect(await domain.process(balance, { tenant })).toBe(105);
    }
  });

  test("no idempotency key of a caller can pass for a message, an event or a sent command", async () => {
    const place = kind.open();
    const domain = await place.start([...bank, gateway]);
    await domain.process(new Open({ accountId: "1" }), { idempotencyKey: "message:Gateway:m" });
    await deliver(domain, gateway, paid, { id: "m" });
    expect(await domain.process(balance)).toBe(5);
    const idempotencyKey = "nereus:message:Gateway:n";
    const refused = { code: "OPTION_INVALID" };
    await expect(domain.process(new Open({ accountId: "2" }), { idempotencyKey })).rejects.toMatchObject(refused);
    await expect(domain.send(new Open({ accountId: "2" }), { idempotencyKey })).rejects.toMatchObject(refused);
    await deliver(domain, gateway, paid, { id: "n" });
    expect(await domain.process(balance)).toBe(10);
  });

  test("correlation, causation, trace and extensions come with it", async () => {
    const place = kind.open();
    const domain = await place.start([...bank, gateway]);
    await domain.process(new Open({ accountId: "1" }));
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await deliver(domain, gateway, paid, { correlationId: "c", causationId: "x", traceparent, extensions: { a: 1 } });
    const deposited = (await storedMessages(place)).at(-1);
    expect(deposited).toMatchObject({ correlationId: "c", traceparent, extensions: '{"a":1}' });
  });

  test("options and subscribers that do not fit are refused", async () => {
    const place = kind.open();
    const domain = await place.start([...bank, gateway]);
    await expect(domain.deliver(gateway, paid, {} as never)).rejects.toMatchObject({ code: "OPTION_INVALID" });
    for (const wrong of [
      { id: "" },
      { id: 7 },
      { id: "m", key: 7 },
      { id: "a\0" },
      { tenant: 7 },
      { at: new Date() },
      { extensions: [] },
    ]) {
      await expect(deliver(domain, gateway, paid, wrong as never)).rejects.toMatchObject({ code: "OPTION_INVALID" });
    }
    const again = subscriber("Gateway", { stream: "payments", message }, () => undefined);
    for (const wrong of [again, bank[0], undefined, {}]) {
      await expect(deliver(domain, wrong as never, paid)).rejects.toMatchObject({ code: "UNKNOWN_SERVICE" });
    }
  });

  test("messages of one key are handled one after the other, those of others are not held up", async () => {
    const place = kind.open();
    const events: string[] = [];
    let release: (() => void) | undefined;
    const ordered = subscriber("Ordered", { stream: "s", message, key: ({ account }) => account }, async (own) => {
      events.push(`begins ${own.account}${own.cents}`);
      if (own.cents === 1)
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      events.push(`ends ${own.account}${own.cents}`);
    });
    const domain = await place.start([...bank, ordered]);
    const first = domain.deliver(ordered, { account: "a", state: "failed" }, { id: "1" });
    const second = domain.deliver(ordered, { account: "a", cents: 2, state: "failed" }, { id: "2" });
    const third = domain.deliver(ordered, { account: "c", cents: 3, state: "failed" }, { id: "3", key: "a" });
    await domain.deliver(ordered, { account: "b", cents: 4, state: "failed" }, { id: "4" });
    await expect.poll(() => events.includes("begins a1")).toBe(true);
    expect(events.toSorted()).toEqual(["begins a1", "begins b4", "ends b4"]);
    release?.();
    await Promise.all([first, second, third]);
    expect(events.slice(3)).toEqual(["ends a1", "begins a2", "ends a2", "begins c3", "ends c3"]);
  });

  test("a schema that validates asynchronously is refused", async () => {
    const place = kind.open();
    const slow = subscriber("Slow", { stream: "s", message: z.string().refine(async () => true) }, () => undefined);
    const domain = await place.start([...bank, slow]);
    await expect(deliver(domain, slow, "text")).rejects.toMatchObject({ code: "SCHEMA_UNSUPPORTED" });
  });

  test("after a conflict the handler gets the message as it was", async () => {
    const place = kind.open();
    const rival = await place.start(bank);
    await rival.process(new Open({ accountId: "1" }));
    const seen: number[][] = [];
    const careless = subscriber(
      "Careless",
      { stream: "s", message: z.object({ amounts: z.array(z.number()) }) },
      async ({ amounts }, { process }) => {
        seen.push([...amounts]);
        for (let amount = amounts.pop(); amount !== undefined; amount = amounts.pop()) {
          await process(new Deposit({ accountId: "1", amount }));
        }
        if (seen.length < 3) await rival.process(new Deposit({ accountId: "1", amount: 1000 }));
      },
    );
    const domain = await place.start([...bank, careless]);
    await deliver(domain, careless, { amounts: [1, 2] }, { id: "m" });
    expect(seen).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
    expect(await domain.process(balance)).toBe(2003);
  });
});
