import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  Aggregate,
  Command,
  commandHandlers,
  Domain,
  type DomainOptions,
  Event,
  EventSourcedAggregate,
  identifier,
  type Store,
} from "nereus";
import { memory } from "nereus/memory";
import { sqlite } from "nereus/sqlite";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { everyStore } from "./support/every-store.ts";
import { temporaryFolder } from "./support/places.ts";

class Opened extends Event("Opened", { id: identifier() }) {}
class Account extends EventSourcedAggregate("Account", { id: identifier() }).applies(Opened, (state, event) => {
  state.id = event.id;
}) {}
class Open extends Command("Open", { id: identifier() }) {}
const handlers = commandHandlers(Account).create(Open, ({ id }) =>
  Account.create((one) => one.raise(new Opened({ id }))),
);
const elements = [Account, handlers];

const started = new Set<Domain>();
afterEach(async () => {
  for (const domain of started) await domain.stop();
  started.clear();
});

async function start(name: string, store: Store, options: Partial<DomainOptions> = {}): Promise<Domain> {
  const domain = new Domain(name, { elements, store, ...options });
  started.add(domain);
  await domain.start();
  return domain;
}

const another = { code: "STORE_OF_ANOTHER_DOMAIN" };

describe.each(everyStore())("on $name", ({ missing, open }) => {
  test.skipIf(missing !== undefined)(
    "a domain of another name is refused, and the store goes on being the first's",
    async () => {
      const place = await open();
      const bank = await start("bank", place());
      await expect(start("shop", place())).rejects.toMatchObject({
        ...another,
        message: expect.stringContaining("bank"),
        fix: expect.stringContaining('formerly: ["bank"]'),
      });
      await bank.process(new Open({ id: "1" }));
      await bank.stop();
      await expect(start("shop", place())).rejects.toMatchObject(another);
      const again = await start("bank", place());
      await expect(again.process(new Open({ id: "1" }))).rejects.toMatchObject({ code: "AGGREGATE_EXISTS" });
    },
  );

  test.skipIf(missing !== undefined)(
    "a domain that was called otherwise has its store, and its former release too, but nobody else",
    async () => {
      const place = await open();
      await (await start("bank", place())).stop();
      await expect(start("treasury", place(), { formerly: ["shop"] })).rejects.toMatchObject(another);
      await (await start("treasury", place(), { formerly: ["shop", "bank"] })).stop();
      await (await start("treasury", place())).stop();
      await (await start("bank", place())).stop();
      await (await start("finance", place(), { formerly: ["treasury"] })).stop();
      await (await start("bank", place())).stop();
      await expect(start("shop", place(), { formerly: ["bank"] })).rejects.toMatchObject(another);
    },
  );

  test.skipIf(missing !== undefined)("of two domains that start together on a new store one has it", async () => {
    const place = await open();
    const outcomes = await Promise.allSettled([start("one", place()), start("other", place())]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(outcomes.find(({ status }) => status === "rejected")).toMatchObject({ reason: another });
  });

  test.skipIf(missing !== undefined)("processes of one domain start together", async () => {
    const place = await open();
    const domains = await Promise.all(Array.from({ length: 4 }, () => start("bank", place())));
    await Promise.all(domains.map((domain, at) => domain.process(new Open({ id: String(at) }))));
  });

  test.skipIf(missing !== undefined)(
    "a store that nobody is noted down for, or unreadably, is taken over",
    async () => {
      const place = await open();
      const store = place();
      await store.open([]);
      const note = await store.records.note("nereus:domain");
      expect(note).toBeUndefined();
      await store.commit({ notes: [{ name: "nereus:domain", expected: 0, data: "{" }] });
      await store.close();
      await (await start("bank", place())).stop();
      await expect(start("shop", place())).rejects.toMatchObject(another);
    },
  );
});

test("a refused domain makes no tables in another's store", async () => {
  const path = join(temporaryFolder(), "shared.db");
  await (await start("bank", sqlite(path))).stop();
  class Thing extends Aggregate("Thing", { id: identifier(), size: z.number() }) {}
  class Make extends Command("Make", { id: identifier() }) {}
  const make = commandHandlers(Thing).create(Make, ({ id }) => new Thing({ id, size: 1 }));
  await expect(start("shop", sqlite(path), { elements: [Thing, make] })).rejects.toMatchObject(another);
  const database = new DatabaseSync(path, { readOnly: true });
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE name LIKE '%Thing%'").all();
  database.close();
  expect(tables).toEqual([]);
});

test("a start that finds its store as it is writes nothing", async () => {
  const store = memory();
  await (await start("bank", store)).stop();
  const commits: unknown[] = [];
  const counted = new Proxy(store, {
    get(target, key) {
      const value = Reflect.get(target, key, target) as unknown;
      if (key === "commit")
        return (commit: Parameters<Store["commit"]>[0]) => commits.push(commit) && target.commit(commit);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  await (await start("bank", counted)).stop();
  expect(commits).toEqual([]);
});

test("former names are a list of names", () => {
  for (const formerly of ["bank", [1], [""], null]) {
    const options = { elements, store: memory(), formerly } as unknown as DomainOptions;
    expect(() => new Domain("bank", options)).toThrowError(/formerly/);
  }
});
