import { applicationService, type CommandContext, eventHandlers } from "nereus";
import { describe, expect, test } from "vitest";
import { Account, Branch, bank, Deposit, Open, Opened, VisitBranch, Withdraw } from "./support/bank.ts";
import { storedMessages } from "./support/log.ts";
import { inMemory, places } from "./support/places.ts";

const desk = applicationService("Desk", {
  async open({ repository, process }, accountId: string, holder: string, first = 0) {
    await repository(Account).add(Account.open(accountId, holder));
    if (first !== 0) await process(new Deposit({ accountId, amount: first }));
    return { accountId, at: new Date(0) };
  },
  balance: async ({ repository }: CommandContext, accountId: string) =>
    (await repository(Account).get(accountId)).balance,
  now: ({ metadata }) => metadata,
  fail() {
    throw new Error("the desk is closed");
  },
  later: ({ send }, accountId: string) => send(new Deposit({ accountId, amount: 1000 })),
});

describe.each(places())("on $name", (kind) => {
  test("a use case is a function: it takes what it says, answers what it returns, and stores all it does", async () => {
    const place = kind.open();
    const domain = await place.start([...bank, desk]);
    const { open, balance } = domain.service(desk);
    expect(await open("1", "Ada", 5)).toEqual({ accountId: "1", at: new Date(0) });
    expect(await open("2", "Eve")).toMatchObject({ accountId: "2" });
    expect(await balance("1")).toBe(5);
    expect((await storedMessages(place)).map(({ type }) => type)).toEqual(["Opened", "Deposited", "Opened"]);
  });

  test("each call is one unit of work: all of it, or nothing", async () => {
    const place = kind.open();
    const domain = await place.start([...bank, desk]);
    const { open, fail, later, balance } = domain.service(desk);
    await open("1", "Ada");
    await expect(open("2", "Eve", -5)).rejects.toMatchObject({ code: "INVARIANT_FAILED" });
    await expect(open("1", "Eve")).rejects.toMatchObject({ code: "AGGREGATE_EXISTS" });
    await expect(fail()).rejects.toThrow("the desk is closed");
    expect(await storedMessages(place)).toHaveLength(1);
    await later("1");
    await domain.settle();
    expect(await balance("1")).toBe(1000);
  });

  test("events of one call share its id as their cause, and its correlation; inline handlers follow it", async () => {
    const place = kind.open();
    const bonus = eventHandlers("Bonus", { run: "inline" }).on(Opened, ({ accountId }, { process }) =>
      process(new Deposit({ accountId, amount: 1 })),
    );
    const domain = await place.start([...bank, desk, bonus]);
    await domain.service(desk).open("1", "Ada");
    await domain.service(desk, { correlationId: "c", causationId: "click", tenant: "acme" }).open("1", "Ada");
    const [first, , third, fourth] = await storedMessages(place);
    expect(first?.causationId).toBe(first?.correlationId);
    expect(third).toMatchObject({ correlationId: "c", stream: { tenant: "acme" } });
    expect(fourth).toMatchObject({ type: "Deposited", correlationId: "c", stream: { tenant: "acme" } });
    const options = { correlationId: "c", causationId: "click", extensions: { a: 1 }, occurredAt: new Date(7) };
    expect(await domain.service(desk, options).now()).toEqual({
      id: expect.stringMatching(/-7/),
      correlationId: "c",
      causationId: "click",
      tenant: "",
      occurredAt: new Date(7),
      extensions: { a: 1 },
    });
  });

  test("after a conflict it runs again; concurrent calls all take effect", async () => {
    const place = kind.open();
    const rival = await place.start(bank);
    let runs = 0;
    const counting = applicationService("Counting", {
      async visit({ repository }: CommandContext, rounds: number) {
        runs += 1;
        const branch = (await repository(Branch).find("b")) ?? new Branch({ branchId: "b", name: "Main" });
        branch.visits += 1;
        await repository(Branch).add(branch);
        if (runs <= rounds) await rival.process(new VisitBranch({ branchId: "b" }));
        return branch.visits;
      },
    });
    const domain = await place.start([...bank, counting]);
    const { visit } = domain.service(counting);
    expect(await visit(0)).toBe(1);
    runs = 0;
    expect(await visit(2)).toBe(4);
    expect(runs).toBe(3);
    await Promise.all(Array.from({ length: 32 }, () => visit(0)));
    expect(await visit(0)).toBe(37);
  });

  test("a service of another domain, or one made again, is refused; so are calls after stop", async () => {
    const place = kind.open();
    const domain = await place.start([...bank, desk]);
    const again = applicationService("Desk", { open: () => 1 });
    const foreign = applicationService("Foreign", { open: () => 1 });
    for (const wrong of [again, foreign]) {
      expect(() => domain.service(wrong)).toThrow(expect.objectContaining({ code: "UNKNOWN_SERVICE" }));
    }
    for (const wrong of [Account, undefined, {}, bank[1]]) {
      expect(() => domain.service(wrong as never)).toThrow(expect.objectContaining({ code: "UNKNOWN_SERVICE" }));
    }
    const { balance } = domain.service(desk);
    await domain.stop();
    await expect(balance("1")).rejects.toMatchObject({ code: "DOMAIN_NOT_STARTED" });
    expect(() => domain.service(desk)).toThrow(expect.objectContaining({ code: "DOMAIN_NOT_STARTED" }));
  });

  test("options that a call does not have are refused", async () => {
    const place = kind.open();
    const domain = await place.start([...bank, desk]);
    for (const wrong of [
      { idempotencyKey: "k" },
      { deadline: new Date() },
      { timeout: 5 },
      { expectedVersion: 1 },
      { visibleIn: [] },
      { tenant: 7 },
      { extensions: { at: new Date() } },
    ]) {
      const call = async () => domain.service(desk, wrong as never).open("1", "Ada");
      await expect(call()).rejects.toMatchObject({ code: expect.stringMatching(/OPTION_INVALID|PAYLOAD_NOT/) });
    }
    expect(await storedMessages(place)).toEqual([]);
  });

  test("a stop waits for calls under way", async () => {
    const place = kind.open();
    const domain = await place.start([...bank, desk]);
    const { open } = domain.service(desk);
    const underWay = Array.from({ length: 5 }, (_, n) => open(`${n}`, "Ada"));
    await domain.stop();
    expect((await Promise.allSettled(underWay)).map(({ status }) => status)).toEqual(Array(5).fill("fulfilled"));
  });
});

test("use cases may be methods that call each other", async () => {
  const service = applicationService("Methods", {
    one(context: CommandContext, n: number): Promise<unknown> {
      return this.two(context, n + 1);
    },
    async two({ process }: CommandContext, n: number) {
      return process(new Open({ accountId: `${n}` }));
    },
  });
  const domain = await inMemory().start([...bank, service]);
  expect(await domain.service(service).one(1)).toBe("2");
  expect(await domain.process(new Withdraw({ accountId: "2", amount: 0 }))).toBe(0);
});
