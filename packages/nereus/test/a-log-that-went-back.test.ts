import {
  Command,
  commandHandlers,
  Domain,
  type Element,
  EventSourcedAggregate,
  eventHandlers,
  identifier,
  type NereusError,
  Projection,
  projector,
  type Store,
} from "nereus";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { Account, accountCommands, Deposit, Deposited, Open, Opened, Withdraw, Withdrawn } from "./support/bank.ts";
import { everyStore } from "./support/every-store.ts";
import { RecordedLog } from "./support/places.ts";
import { until } from "./support/until.ts";

class Look extends Command("Look", { accountId: identifier() }).returns<{ balance: number; version: number }>() {}
class MoveAll extends Command("MoveAll", { accountId: identifier(), to: z.string() }) {}

const more = commandHandlers(Account)
  .on(Look, async ({ accountId }, { repository }) => {
    const { balance, version } = await repository(Account).get(accountId);
    return { balance, version };
  })
  // withdraws from one what another has, which it only reads
  .on(MoveAll, async ({ accountId, to }, { repository }) => {
    const [from, target] = [await repository(Account).get(accountId), await repository(Account).get(to)];
    target.deposit(from.balance);
    await repository(Account).add(target);
  });

/** A server's address: behind it another server may be found than before. */
function address(first: Store): { readonly store: Store; turnTo(other: Store): Promise<void> } {
  let current = first;
  let shapes: Parameters<Store["open"]>[0] = [];
  const store: Store = {
    name: first.name,
    capabilities: first.capabilities,
    ...(first.weaker === undefined ? {} : { weaker: first.weaker }),
    get log() {
      return current.log;
    },
    get documents() {
      return current.documents;
    },
    get records() {
      return current.records;
    },
    open(collections) {
      shapes = collections;
      return current.open(collections);
    },
    close: async () => undefined,
    onCommit: (listener) => current.onCommit(listener),
    commit: (commit) => current.commit(commit),
  };
  return {
    store,
    async turnTo(other) {
      await other.open(shapes);
      current = other;
    },
  };
}

async function started(
  store: Store,
  elements: readonly Element[] = [Account, accountCommands, more],
  log = new RecordedLog(),
): Promise<Domain> {
  const domain = new Domain("bank", { store, elements, log });
  await domain.start();
  onTestFinished(() => domain.stop());
  return domain;
}

async function opened(store: Store): Promise<Store> {
  await store.open([]);
  onTestFinished(() => store.close());
  return store;
}

/** What a replica has that was cut off now. */
async function replicate(from: Store, to: Store): Promise<void> {
  for (let after = 0; ; ) {
    const { messages, through } = await from.log.readLog({ after, limit: 100, kinds: ["event", "snapshot"] });
    for (const { stream, version: _, position: __, ...message } of messages) {
      await to.commit({ appends: [{ stream, expectedVersion: "any", messages: [message] }] });
    }
    if (messages.length < 100) return;
    after = through;
  }
}

// A test has one Message DB; the conformance suite holds its appends to the same.
const kinds = everyStore().filter(({ name, missing }) => name !== "message-db" && missing === undefined);

describe.each(kinds)("on $name", ({ open }) => {
  /** Two processes at one address; `failOver` puts the replica there, and the second process writes to it. */
  async function bank(elements?: readonly Element[]) {
    const [first, second] = [await open(), await open()];
    const [primary, replica] = [await opened(first()), await opened(second())];
    const here = address(primary);
    const log = new RecordedLog();
    const mine = await started(here.store, elements, log);
    const failOver = async (): Promise<Domain> => {
      await here.turnTo(replica);
      return started(second(), elements);
    };
    return { mine, log, primary, replica, failOver, replicated: () => replicate(primary, replica) };
  }

  const deposit = (accountId: string, amount: number): Deposit => new Deposit({ accountId, amount });

  test("a withdrawal that a cached balance allowed is decided again on what the log has now", async () => {
    const { mine, failOver, replicated, replica } = await bank();
    await mine.process(new Open({ accountId: "1" }));
    await replicated();
    await mine.process(deposit("1", 2000)); // lost, but cached
    const other = await failOver();
    await other.process(deposit("1", 31)); // the same version again
    await expect(mine.process(new Withdraw({ accountId: "1", amount: 1500 }))).rejects.toMatchObject({
      code: "INVARIANT_FAILED",
    });
    expect(await mine.process(new Withdraw({ accountId: "1", amount: 30 }))).toBe(1);
    const stored = await replica.log.readStream(
      { tenant: "", kind: "event", category: "Account", id: "1" },
      { limit: 10 },
    );
    expect(stored.map(({ type }) => type)).toEqual(["Opened", "Deposited", "Withdrawn"]);
  });

  test.each([
    ["shorter than", []],
    ["as long as", [31]],
    ["longer than", [10, 10, 11]],
  ])("a stream that is %s the cached one is read from its beginning", async (_, deposits) => {
    const { mine, failOver, replicated } = await bank();
    await mine.process(new Open({ accountId: "1" }));
    await replicated();
    await mine.process(deposit("1", 2000));
    const other = await failOver();
    for (const amount of deposits) await other.process(deposit("1", amount));
    await mine.process(deposit("1", 1));
    const balance = 1 + deposits.reduce((sum, amount) => sum + amount, 0);
    const version = deposits.length + 1;
    expect(await mine.process(new Look({ accountId: "1" }))).toEqual({ balance, version });
    expect(await other.process(new Look({ accountId: "1" }))).toEqual({ balance, version });
  });

  test("what a command only reads is held against the log as well", async () => {
    const { mine, failOver, replicated } = await bank();
    await mine.process(new Open({ accountId: "1" }));
    await mine.process(new Open({ accountId: "2" }));
    await replicated();
    await mine.process(deposit("1", 2000));
    const other = await failOver();
    await other.process(deposit("1", 31));
    expect(await mine.process(new Look({ accountId: "1" }))).toEqual({ balance: 31, version: 1 });
    await mine.process(new MoveAll({ accountId: "1", to: "2" }));
    expect(await other.process(new Look({ accountId: "2" }))).toEqual({ balance: 31, version: 1 });
  });

  test("an aggregate that is not there any more is made anew", async () => {
    const { mine, failOver } = await bank();
    await mine.process(new Open({ accountId: "1" }));
    await mine.process(deposit("1", 2000));
    const other = await failOver();
    await expect(mine.process(deposit("1", 1))).rejects.toMatchObject({ code: "AGGREGATE_NOT_FOUND" });
    await mine.process(new Open({ accountId: "1" }));
    expect(await other.process(new Look({ accountId: "1" }))).toEqual({ balance: 0, version: 0 });
  });

  test("a snapshot of events that the log does not have any more is not used, and made anew", async () => {
    const Kept = class extends EventSourcedAggregate(
      "Account",
      { accountId: identifier(), holder: z.string(), balance: z.number().default(0) },
      { snapshotEvery: 2 },
    )
      .applies(Opened, (account, event) => {
        account.accountId = event.accountId;
        account.holder = event.holder;
      })
      .applies(Deposited, (account, event) => {
        account.balance += event.amount;
      })
      .applies(Withdrawn, () => undefined) {};
    const commands = commandHandlers(Kept)
      .create(Open, (command) => Kept.create((account) => account.raise(new Opened(command))))
      .update(Deposit, (account, { accountId, amount }) => account.raise(new Deposited({ accountId, amount })))
      .on(Look, async ({ accountId }, { repository }) => {
        const { balance, version } = await repository(Kept).get(accountId);
        return { balance, version };
      });
    const elements = [Kept, commands];
    const { mine, failOver, replicated, primary, replica } = await bank(elements);
    await mine.process(new Open({ accountId: "1" }));
    await replicated();
    await mine.process(deposit("1", 2000));
    await mine.settle();
    // a snapshot that a process wrote late, of what is lost
    const kept = { tenant: "", kind: "snapshot", category: "Account", id: "1" } as const;
    const snapshots = await primary.log.readStream(kept, { limit: 10 });
    expect(snapshots.length).toBeGreaterThan(0);
    for (const { stream, version: _, position: __, ...message } of snapshots) {
      await replica.commit({ appends: [{ stream, expectedVersion: "any", messages: [message] }] });
    }
    const other = await failOver();
    expect(await other.process(new Look({ accountId: "1" }))).toEqual({ balance: 0, version: 0 });
    await other.process(deposit("1", 31));
    await other.settle();
    const third = await started(replica, elements);
    expect(await third.process(new Look({ accountId: "1" }))).toEqual({ balance: 31, version: 1 });
    expect((await replica.log.readStream(kept, { limit: 10 })).length).toBe(snapshots.length + 1);
  });

  class Balance extends Projection("Balance", { accountId: identifier(), balance: z.number() }) {}

  /** Elements that follow the log, and what their handler was told. */
  function following(version = 1) {
    const heard: number[] = [];
    const balances = projector(Balance, { run: "async", version })
      .create(Opened, ({ accountId }) => ({ accountId, balance: 0 }))
      .update(
        Deposited,
        ({ accountId }) => accountId,
        (row, { amount }) => {
          row.balance += amount;
        },
      );
    const handlers = eventHandlers("Mail", { run: "async" }).on(Deposited, ({ amount }) => {
      heard.push(amount);
    });
    return { heard, elements: [Account, accountCommands, more, Balance, balances, handlers] };
  }

  test("windows of an engine are dropped when the log is found to be shorter: nothing that is new is passed over", async () => {
    const { elements, heard } = following();
    const { mine, log, failOver, replicated } = await bank(elements);
    await mine.process(new Open({ accountId: "1" }));
    await replicated();
    const engine = mine.engine();
    await engine.start();
    onTestFinished(() => engine.stop());
    for (let at = 0; at < 5; at++) await mine.process(deposit("1", 2000 + at));
    await until(() => heard.length === 5);
    const other = await failOver();
    await until(() => log.errors.some(({ message }) => /ends at position/.test(message)));
    await other.process(deposit("1", 31));
    await until(() => heard.includes(31));
    await until(async () => (await mine.view(Balance).get("1"))?.balance === 31);
  });

  test("a log that grew beyond its old end before anybody looked again is noticed by settle", async () => {
    const { elements, heard } = following();
    const { mine, log, failOver, replicated } = await bank(elements);
    await mine.process(new Open({ accountId: "1" }));
    await mine.settle();
    await replicated();
    for (let at = 0; at < 3; at++) await mine.process(deposit("1", 2000 + at));
    await mine.settle();
    const other = await failOver();
    for (let at = 0; at < 8; at++) await other.process(deposit("1", 10 + at));
    await mine.settle();
    expect(heard.filter((amount) => amount < 2000)).toEqual([10, 11, 12, 13, 14, 15, 16, 17]);
    expect((await mine.view(Balance).get("1"))?.balance).toBe(108);
    expect(log.errors.map(({ details }) => (details as NereusError).code)).toEqual(["STORE_WENT_BACK"]);
  });
});
