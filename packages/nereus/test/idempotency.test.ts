import { Command, commandHandlers, identifier } from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Account, accountCommands, Deposit, Open, Withdraw } from "./support/bank.ts";
import { storedMessages } from "./support/log.ts";
import { places } from "./support/places.ts";
import { script } from "./support/scripts.ts";

describe.each(places())("on $name", (kind) => {
  test("the same key with the same command takes effect once and answers the first result", async () => {
    const place = kind.open();
    const domain = await place.start([Account, accountCommands]);
    const open = () => domain.process(new Open({ accountId: "1" }), { idempotencyKey: "open" });
    expect([await open(), await open()]).toEqual(["1", "1"]);
    await domain.process(new Deposit({ accountId: "1", amount: 100 }));
    const withdraw = () => domain.process(new Withdraw({ accountId: "1", amount: 30 }), { idempotencyKey: "w" });
    expect(await withdraw()).toBe(70);
    await domain.process(new Deposit({ accountId: "1", amount: 5 }));
    expect(await withdraw()).toBe(70);
    const restarted = await place.start([Account, accountCommands]);
    expect(await restarted.process(new Withdraw({ accountId: "1", amount: 30 }), { idempotencyKey: "w" })).toBe(70);
    expect(await restarted.process(new Withdraw({ accountId: "1", amount: 0 }))).toBe(75);
  });

  test("a key is bound to the command's type and payload", async () => {
    const place = kind.open();
    const domain = await place.start([Account, accountCommands]);
    await domain.process(new Open({ accountId: "1" }), { idempotencyKey: "k" });
    for (const other of [
      new Open({ accountId: "2" }),
      new Open({ accountId: "1", holder: "Eve" }),
      new Deposit({ accountId: "1", amount: 1 }),
    ]) {
      await expect(domain.process<unknown>(other, { idempotencyKey: "k" })).rejects.toMatchObject({
        code: "IDEMPOTENCY_KEY_REUSED",
      });
    }
    expect(await storedMessages(place)).toHaveLength(1);
    expect(await domain.process(new Open({ holder: "Ada", accountId: "1" }), { idempotencyKey: "k" })).toBe("1"); // key order says nothing
  });

  test("a key belongs to a tenant", async () => {
    const place = kind.open();
    const domain = await place.start([Account, accountCommands]);
    for (const tenant of ["a", "b"])
      await domain.process(new Open({ accountId: "1" }), { idempotencyKey: "k", tenant });
    expect((await storedMessages(place)).map(({ stream }) => stream.tenant)).toEqual(["a", "b"]);
  });

  test("concurrent duplicates take effect once, and all get the one result, also from two processes", async () => {
    const place = kind.open();
    const domains = [await place.start([Account, accountCommands]), await place.start([Account, accountCommands])];
    await domains[0]!.process(new Open({ accountId: "1" }));
    await domains[0]!.process(new Deposit({ accountId: "1", amount: 100 }));
    // a second withdrawal would be refused for want of funds
    const results = await Promise.all(
      Array.from({ length: 16 }, (_, n) =>
        domains[n % 2]!.process(new Withdraw({ accountId: "1", amount: 80 }), { idempotencyKey: "w" }),
      ),
    );
    expect(new Set(results)).toEqual(new Set([20]));
    expect((await storedMessages(place)).filter(({ type }) => type === "Withdrawn")).toHaveLength(1);
  });

  test("concurrent duplicates of a creation take effect once, and all get the identity", async () => {
    const place = kind.open();
    const domains = [await place.start([Account, accountCommands]), await place.start([Account, accountCommands])];
    const results = await Promise.all(
      Array.from({ length: 16 }, (_, n) =>
        domains[n % 2]!.process(new Open({ accountId: "1" }), { idempotencyKey: "o" }),
      ),
    );
    expect(new Set(results)).toEqual(new Set(["1"]));
    expect(await storedMessages(place)).toHaveLength(1);
  });

  test("of concurrent commands that differ but share a key, one is accepted", async () => {
    const place = kind.open();
    const domain = await place.start([Account, accountCommands]);
    const outcomes = await Promise.allSettled(
      ["1", "2", "3"].map((accountId) => domain.process(new Open({ accountId }), { idempotencyKey: "k" })),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected", "rejected"]);
    const codes = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason.code] : []));
    expect(codes).toEqual(["IDEMPOTENCY_KEY_REUSED", "IDEMPOTENCY_KEY_REUSED"]);
    expect(await storedMessages(place)).toHaveLength(1);
  });

  test("a command that failed leaves its key free", async () => {
    const place = kind.open();
    const domain = await place.start([Account, accountCommands]);
    await domain.process(new Open({ accountId: "1" }));
    const withdraw = () => domain.process(new Withdraw({ accountId: "1", amount: 10 }), { idempotencyKey: "w" });
    await expect(withdraw()).rejects.toThrow("Insufficient funds");
    await domain.process(new Deposit({ accountId: "1", amount: 10 }));
    expect(await withdraw()).toBe(0);
  });

  test("results of every JSON kind are replayed, and undefined stays undefined", async () => {
    const place = kind.open();
    const results: unknown[] = [
      undefined,
      null,
      0,
      "",
      "text",
      false,
      { a: [1, { b: null }] },
      [],
      JSON.parse('{"__proto__": 1}'),
    ];
    const scripts = results.map((result) => script(Account, () => result));
    const domain = await place.start([Account, ...scripts.map(({ handlers }) => handlers)]);
    for (const [n, one] of scripts.entries()) {
      const command = one.command();
      const run = () => domain.process(command, { idempotencyKey: `k${n}` });
      expect([await run(), await run()]).toEqual([results[n], results[n]]);
    }
  });

  test("a result that is not JSON is refused with its key, and nothing is stored", async () => {
    const place = kind.open();
    class Odd extends Command("Odd", { accountId: identifier(), kind: z.string() }).returns<unknown>() {}
    const odd = commandHandlers(Account).update(Odd, (account, command) => {
      account.deposit(1);
      return command.kind === "date" ? new Date(0) : command.kind === "bigint" ? 1n : new Map();
    });
    const domain = await place.start([Account, accountCommands, odd]);
    await domain.process(new Open({ accountId: "1" }));
    for (const what of ["date", "bigint", "map"]) {
      const refused = domain.process(new Odd({ accountId: "1", kind: what }), { idempotencyKey: what });
      await expect(refused).rejects.toMatchObject({ code: "RESULT_NOT_SERIALISABLE" });
    }
    expect(await domain.process(new Withdraw({ accountId: "1", amount: 0 }))).toBe(0);
    expect(await domain.process(new Odd({ accountId: "1", kind: "date" }))).toEqual(new Date(0)); // without a key it may be anything
  });

  test("keys that look alike to a careless store are different; those that no store keeps exactly are refused", async () => {
    const place = kind.open();
    const domain = await place.start([Account, accountCommands]);
    const keys = ["k", "K", "k ", "ä", "a\u0308", "%", "__proto__", "\ufffd", "😀"];
    for (const [n, idempotencyKey] of keys.entries())
      await domain.process(new Open({ accountId: `${n}` }), { idempotencyKey });
    expect(await storedMessages(place)).toHaveLength(keys.length);
    for (const idempotencyKey of ["\ud800", "k\0"]) {
      await expect(domain.process(new Open({ accountId: "x" }), { idempotencyKey })).rejects.toMatchObject({
        code: "OPTION_INVALID",
      });
    }
  });

  test("a command with rich values is recognised as the same", async () => {
    const place = kind.open();
    class Rich extends Command("Rich", { at: z.date(), n: z.bigint(), set: z.set(z.string()) }).returns<string>() {}
    let runs = 0;
    const handlers = commandHandlers(Account).on(Rich, () => `run ${++runs}`);
    const domain = await place.start([Account, handlers]);
    const rich = (n: bigint) => new Rich({ at: new Date(5), n, set: new Set(["a"]) });
    expect(await domain.process(rich(1n), { idempotencyKey: "k" })).toBe("run 1");
    expect(await domain.process(rich(1n), { idempotencyKey: "k" })).toBe("run 1");
    await expect(domain.process(rich(2n), { idempotencyKey: "k" })).rejects.toMatchObject({
      code: "IDEMPOTENCY_KEY_REUSED",
    });
  });
});
