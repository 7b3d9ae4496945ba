import {
  applicationService,
  type CommandContext,
  Domain,
  eventHandlers,
  identifier,
  isNereusError,
  Projection,
  projector,
  Query,
  queryHandlers,
  type Store,
  subscriber,
} from "nereus";
import { memory } from "nereus/memory";
import { deliver, given, seed } from "nereus/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { Account, Branch, bank, Deposit, Deposited, Open, Opened, Withdraw } from "./support/bank.ts";
import { everyStore } from "./support/every-store.ts";
import { RecordedLog } from "./support/places.ts";

class Balance extends Projection("Balance", { accountId: identifier(), amount: z.number() }) {}
const balances = projector(Balance, { run: "async" })
  .create(Opened, ({ accountId }) => ({ accountId, amount: 0 }))
  .update(
    Deposited,
    ({ accountId }) => accountId,
    (row, { amount }) => {
      row.amount += amount;
    },
  );
class FindBalance extends Query("FindBalance", { accountId: identifier() }).returns<number | undefined>() {}
const questions = queryHandlers(Balance).on(
  FindBalance,
  async ({ accountId }, { view }) => (await view.get(accountId))?.amount,
);
/** Whose each event was that a handler has seen. */
const seen: string[] = [];
const watching = eventHandlers("Watching").on(Deposited, async ({ accountId, amount }, { metadata, repository }) => {
  const { holder } = await repository(Account).get(accountId);
  seen.push(`${metadata.tenant}: ${holder} ${amount}`);
});
const counter = applicationService("Counter", {
  async open({ process }: CommandContext, accountId: string) {
    return process(new Open({ accountId }));
  },
});
const phone = subscriber(
  "Phone",
  { stream: "calls", message: z.object({ account: z.string() }) },
  ({ account }, { send }) => send(new Deposit({ accountId: account, amount: 1 })),
);

const elements = [...bank, Balance, balances, questions, watching, counter, phone];
const required = (store: Store) => new Domain("bank", { tenancy: "required", elements, store, log: new RecordedLog() });

async function started(store: Store): Promise<Domain<"required">> {
  const domain = required(store);
  await domain.start();
  onTestFinished(() => domain.stop());
  return domain;
}

/** Every way into a domain that is of one tenant, called by somebody whom no types hold back. */
const ways: Readonly<Record<string, (domain: Domain<"required">, options: never) => unknown>> = {
  process: (domain, options) => domain.process(new Open({ accountId: "9" }), options),
  send: (domain, options) => domain.send(new Open({ accountId: "9" }), options),
  receipt: (domain, options) => domain.receipt(Open, "01", options),
  service: (domain, options) => domain.service(counter, options).open("9"),
  deliver: (domain, options) => domain.deliver(phone, { account: "1" }, { id: "m", ...(options as object) } as never),
  query: (domain, options) => domain.query(new FindBalance({ accountId: "1" }), options),
  view: (domain, options) => domain.view(Balance, options).find(),
};
const withoutTenant = ["start", "check", "describe", "stop", "engine", "settle"];

test("every method of a domain is known to be of one tenant, or of none", () => {
  const methods = Object.getOwnPropertyNames(Domain.prototype).filter((name) => name !== "constructor");
  expect(methods.sort()).toEqual([...Object.keys(ways), ...withoutTenant].sort());
});

describe.each(everyStore().filter(({ missing }) => missing === undefined))("on $name", ({ open }) => {
  test.each(Object.entries(ways))("%s is refused without a tenant, and nothing is stored", async (name, call) => {
    const store = (await open())();
    const domain = await started(store);
    for (const options of [undefined, {}, { tenant: undefined }, { tenant: "" }]) {
      const refused = await (async () => call(domain, options as never))().catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "TENANT_REQUIRED", element: "bank" });
      expect(String(refused)).toContain(name);
    }
    expect(await store.log.head()).toBe(0);
  });

  test("what a handler calls, what is sent and what follows is of the tenant of its message", async () => {
    seen.length = 0;
    const store = (await open())();
    const domain = await started(store);
    const [north, south] = [{ tenant: "north" }, { tenant: "south" }];
    await domain.process(new Open({ accountId: "1", holder: "Ada" }), north);
    await domain.process(new Open({ accountId: "1", holder: "Bo" }), south);
    expect(await domain.service(counter, north).open("2")).toBe("2");
    await domain.deliver(phone, { account: "1" }, { id: "m", ...north });
    const receipt = await domain.send(new Deposit({ accountId: "1", amount: 5 }), south);
    await domain.settle();
    expect(seen).toEqual(expect.arrayContaining(["north: Ada 1", "south: Bo 5"]));
    expect(seen).toHaveLength(2);
    expect(await domain.query(new FindBalance({ accountId: "1" }), north)).toBe(1);
    expect(await domain.query(new FindBalance({ accountId: "1" }), south)).toBe(5);
    expect(await domain.view(Balance, north).count()).toBe(2);
    expect(await domain.view(Balance, south).count()).toBe(1);
    expect(await (await domain.receipt(Deposit, receipt.commandId, south))?.cancel()).toBe("handled");
    expect(await domain.receipt(Deposit, receipt.commandId, north)).toBeUndefined();
  });

  test("what was stored before tenants were required is handled as what it was stored as", async () => {
    seen.length = 0;
    const make = await open();
    const before = new Domain("bank", { elements, store: make(), log: new RecordedLog() });
    await before.start();
    await before.process(new Open({ accountId: "1", holder: "Ada" }));
    await before.send(new Deposit({ accountId: "1", amount: 5 }));
    await before.stop();

    const store = make();
    const domain = await started(store);
    await domain.settle();
    expect(seen).toEqual([": Ada 5"]);
    expect(await domain.view(Balance, { tenant: "north" }).count()).toBe(0);
    expect(() => domain.view(Balance, { tenant: "" })).toThrow(expect.objectContaining({ code: "TENANT_REQUIRED" }));
    await domain.stop();

    const after = new Domain("bank", { elements, store: make(), log: new RecordedLog() });
    await after.start();
    onTestFinished(() => after.stop());
    expect(await after.view(Balance).find()).toEqual([{ accountId: "1", amount: 5 }]);
  });
});

test("a misspelt option of a question is refused, and not asked of another tenant", async () => {
  const domain = new Domain("bank", { elements, store: memory() });
  await domain.start();
  const misspelt = { tennant: "north" } as never;
  expect(() => domain.view(Balance, misspelt)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  for (const asked of [
    domain.query(new FindBalance({ accountId: "1" }), misspelt),
    domain.receipt(Open, "1", misspelt),
  ])
    await expect(asked).rejects.toMatchObject({ code: "OPTION_INVALID" });
});

test("a domain whose tenancy is nothing that there is cannot be made", () => {
  const make = () => new Domain("bank", { elements, store: memory(), tenancy: "yes" as never });
  expect(make).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
});

describe("the kit for tests", () => {
  const tenant = "north";
  const opened = new Opened({ accountId: "1", holder: "Ada" });

  test("takes the tenant of what is done for what is given, and of rows and states", async () => {
    const domain = required(memory());
    await given(domain, opened, new Branch({ branchId: "b", name: "Main" }))
      .when(new Deposit({ accountId: "1", amount: 5 }), { tenant })
      .then(new Deposited({ accountId: "1", amount: 5 }))
      .thenState(Account, { balance: 5 })
      .thenState(Branch, "b", { name: "Main" })
      .thenRow(Balance, "1", { amount: 5 })
      .thenRows(Balance, [], { tenant: "south" })
      .when(new FindBalance({ accountId: "1" }), { tenant })
      .thenResult(5)
      .when((it) => it.service(counter, { tenant }).open("2"), { tenant })
      .thenState(Account, "2", { holder: "Ada" })
      .thenRow(Balance, "2", { amount: 0 })
      .when(new Deposited({ accountId: "1", amount: 1 }), { tenant })
      .thenRow(Balance, "1", { amount: 6 });
    await given(required(memory()), seed({ tenant }, opened)).thenRow(Balance, "1", { amount: 0 }, { tenant });
    await given(required(memory()), seed({ tenant }, opened));
    await deliver(domain, phone, { account: "1" }, { tenant });
  });

  const untyped: Readonly<Record<string, (domain: Domain<"required">) => PromiseLike<unknown>>> = {
    "given events alone": (domain) => given(domain, opened),
    "a command": (domain) => given(domain).when(new Withdraw({ accountId: "1", amount: 1 }), {} as never),
    "a query": (domain) => given(domain).when(new FindBalance({ accountId: "1" }), {} as never),
    "an event": (domain) => given(domain).when(opened, {} as never),
    "a row without anything of a tenant": (domain) => given(domain).thenRow(Balance, "1", {}, {} as never),
    "rows after an act of nobody": (domain) =>
      given(domain)
        .when(() => 1, {} as never)
        .thenRows(Balance, []),
    "a state after an act of nobody": (domain) =>
      given(domain)
        .when(() => 1, {} as never)
        .thenState(Account, "1", {}),
    "a delivery": (domain) => deliver(domain, phone, { account: "1" }, {} as never),
  };
  test.each(Object.entries(untyped))("refuses without a tenant: %s", async (_, act) => {
    const refused = await Promise.resolve(act(required(memory()))).catch((error: unknown) => error);
    expect(isNereusError(refused, "TENANT_REQUIRED")).toBe(true);
  });
});
