import {
  Command,
  commandHandlers,
  Domain,
  type Element,
  Event,
  EventSourcedAggregate,
  eventHandlers,
  identifier,
  Projection,
  projector,
  type Store,
} from "nereus";
import { memory } from "nereus/memory";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { appendOf, messageOf, streamOf } from "../src/conformance/samples.ts";
import { everyStore } from "./support/every-store.ts";
import { RecordedLog } from "./support/places.ts";

const fields = { accountId: identifier(), amount: z.number().int() };
class Deposited extends Event("Deposited", fields) {}
class Swept extends Event("Swept", fields) {}
class Account extends EventSourcedAggregate("Account", {
  accountId: identifier(),
  balance: z.number().default(0),
}).applies(Deposited, (account, { accountId, amount }) => {
  account.accountId = accountId;
  account.balance += amount;
}) {}
class Pot extends EventSourcedAggregate("Pot", { potId: identifier() }).applies(Swept, (pot, { accountId }) => {
  pot.potId = accountId;
}) {}
class Open extends Command("Open", fields) {}
const commands = commandHandlers(Account).create(Open, ({ accountId, amount }) =>
  Account.create((account) => account.raise(new Deposited({ accountId, amount }))),
);
/** Comes from another application: no aggregate of ours raises it. */
class Audited extends Event("Audited", fields) {}

class Balance extends Projection("Balance", { accountId: identifier(), balance: z.number().int() }) {}
type Amount = { readonly accountId: string; readonly amount: number };
const key = ({ accountId }: Amount): string => accountId;
const make = ({ accountId }: Amount): { accountId: string; balance: number } => ({
  accountId,
  balance: 0,
});
const change = (row: { balance: number }, { amount }: Amount): void => {
  row.balance += amount;
};
function balances(categories?: readonly string[]): Element {
  return projector(Balance, { run: "async", ...(categories === undefined ? {} : { categories }) })
    .upsert(Deposited, key, make, change)
    .upsert(Swept, key, make, change)
    .upsert(Audited, key, make, change);
}

async function start(store: Store, elements: readonly Element[]): Promise<Domain> {
  const domain = new Domain("bank", { elements, store, log: new RecordedLog() });
  await domain.start();
  onTestFinished(() => domain.stop());
  return domain;
}

/** As another application writes it. */
async function write(store: Store, category: string, type: string, amount: number, data?: string): Promise<void> {
  const text = data ?? JSON.stringify({ accountId: "1", amount });
  const message = messageOf(type, { data: text });
  const outcome = await store.commit({ appends: [appendOf(streamOf("1", { category }), "any", message)] });
  expect(outcome.status).toBe("committed");
}

describe.each(everyStore())("on $name", ({ missing, open }) => {
  test.skipIf(missing !== undefined)(
    "projectors and handlers read events in the categories of the aggregates that raise them, and of nobody else",
    async () => {
      const store = (await open())();
      const heard: number[] = [];
      const notes = eventHandlers("Notes")
        .on(Deposited, ({ amount }) => void heard.push(amount))
        .on(Audited, ({ amount }) => void heard.push(amount));
      const domain = await start(store, [Account, Pot, commands, Audited, Balance, balances(), notes]);
      await domain.process(new Open({ accountId: "1", amount: 1 }));
      await write(store, "savings", "Deposited", 1000);
      await write(store, "shop", "Deposited", 0, '{"isOf":"another shape"}');
      await write(store, "Pot", "Deposited", 2000);
      await write(store, "Pot", "Swept", 20);
      await write(store, "Audit", "Audited", 300);
      await domain.settle();
      expect(await domain.view(Balance).get("1")).toMatchObject({ balance: 321 });
      expect(heard).toEqual([1, 300]);
    },
  );

  test.skipIf(missing !== undefined)("those that are named are read in their place", async () => {
    const store = (await open())();
    const heard: number[] = [];
    const notes = eventHandlers("Notes", { categories: ["savings"] }).on(
      Deposited,
      ({ amount }) => void heard.push(amount),
    );
    const elements = [Account, Pot, commands, Audited, Balance, balances(["Account", "savings"]), notes];
    const domain = await start(store, elements);
    await domain.process(new Open({ accountId: "1", amount: 1 }));
    await write(store, "savings", "Deposited", 1000);
    await write(store, "shop", "Deposited", 5000);
    await domain.settle();
    expect(await domain.view(Balance).get("1")).toMatchObject({ balance: 1001 });
    expect(heard).toEqual([1000]);
  });
});

/** The next release calls the aggregate otherwise; both know the event. */
function renamed(name: string) {
  class Named extends EventSourcedAggregate(name, { accountId: identifier(), balance: z.number().default(0) }).applies(
    Deposited,
    (account, { accountId }) => {
      account.accountId = accountId;
    },
  ) {}
  const opening = commandHandlers(Named).create(Open, ({ accountId, amount }) =>
    Named.create((account) => account.raise(new Deposited({ accountId, amount }))),
  );
  const heard: number[] = [];
  const notes = eventHandlers("Notes").on(Deposited, ({ amount }) => void heard.push(amount));
  return { elements: [Named, opening, Swept, Audited, Balance, balances(), notes], heard };
}

describe.each(everyStore())("releases whose aggregates differ, on $name", ({ missing, open }) => {
  test.skipIf(missing !== undefined)("a release passes over no event of another one's aggregate", async () => {
    const place = await open();
    const [older, newer] = [renamed("Account"), renamed("BankAccount")];
    const before = await start(place(), older.elements);
    await before.process(new Open({ accountId: "1", amount: 1 }));
    await before.settle();
    const after = await start(place(), newer.elements);
    await after.process(new Open({ accountId: "2", amount: 20 }));
    await before.settle(); // it moves the checkpoints of both
    await before.process(new Open({ accountId: "3", amount: 300 }));
    await after.settle();
    const amounts = async (of: Domain) => (await of.view(Balance).find({})).map(({ balance }) => balance);
    expect(await amounts(before)).toEqual([1, 20, 300]);
    expect([...older.heard, ...newer.heard].sort((a, b) => a - b)).toEqual([1, 20, 300]);
    for (const domain of [before, after]) await domain.stop();
    const last = await start(place(), newer.elements);
    await last.settle();
    expect(await amounts(last)).toEqual([1, 20, 300]);
  });
});

test("categories that are none, or of what runs inline, are refused", () => {
  const faults = (...elements: readonly Element[]) =>
    new Domain("bank", { elements: [Account, commands, ...elements], store: memory() }).check();
  const wrong = [[], [""], "Account", [3]] as unknown as readonly string[][];
  for (const categories of wrong) {
    expect(faults(eventHandlers("Notes", { categories }).on(Deposited, () => {}))).toMatchObject([
      { code: "ELEMENT_OPTION_INVALID", element: "Notes" },
    ]);
  }
  const inline = eventHandlers("Notes", { run: "inline", categories: ["Account"] }).on(Deposited, () => {});
  expect(faults(inline)).toMatchObject([
    { code: "ELEMENT_OPTION_INVALID", message: expect.stringContaining("categories") },
  ]);
});
