import { AggregateNotFoundError, type Domain, type EventSourcedRepository, type PastOptions } from "nereus";
import { beforeEach, describe, expect, test } from "vitest";
import {
  Account,
  accountCommands,
  Branch,
  branchCommands,
  Deposit,
  Open,
  OpenBranch,
  Withdraw,
} from "./support/bank.ts";
import { places } from "./support/places.ts";
import { script } from "./support/scripts.ts";

const at = (minute: number): Date => new Date(Date.UTC(2026, 2, 15, 12, minute));

describe.each(places())("on $name", (kind) => {
  let domain: Domain;
  let wanted: PastOptions;
  let id: string;
  const look = script(Account, async ({ repository }) => {
    const { version, balance, pendingEvents } = await repository(Account).get(id, wanted);
    return { version, balance, pending: pendingEvents.length };
  });
  const past = (options: unknown, of = "1") => {
    wanted = options as PastOptions;
    id = of;
    return domain.process(look.command());
  };

  beforeEach(async () => {
    let now = at(0);
    const clock = { now: () => now };
    domain = await kind.open().start([Account, accountCommands, Branch, branchCommands, look.handlers], { clock });
    await domain.process(new Open({ accountId: "1" }));
    now = at(10);
    await domain.process(new Deposit({ accountId: "1", amount: 1 }));
    now = at(20);
    // known late: it had happened five minutes after the opening
    await domain.process(new Deposit({ accountId: "1", amount: 10 }), { occurredAt: at(5) });
    now = at(30);
    await domain.process(new Deposit({ accountId: "1", amount: 100 }));
  });

  test.each<[PastOptions, number, number]>([
    [{ atVersion: 0 }, 0, 0],
    [{ atVersion: 1 }, 1, 1],
    [{ atVersion: 3 }, 3, 111],
    [{ asOf: at(0) }, 0, 0],
    [{ asOf: at(9) }, 0, 0],
    [{ asOf: at(10) }, 1, 1],
    [{ asOf: at(25) }, 2, 11],
    [{ asOf: at(25), by: "recorded" }, 2, 11],
    [{ asOf: at(99) }, 3, 111],
    [{ asOf: at(4), by: "occurred" }, 0, 0],
    [{ asOf: at(5), by: "occurred" }, 2, 10],
    [{ asOf: at(10), by: "occurred" }, 2, 11],
    [{ asOf: at(30), by: "occurred" }, 3, 111],
  ])("%j is version %i with balance %i", async (options, version, balance) => {
    expect(await past(options)).toEqual({ version, balance, pending: 0 });
  });

  test("a version that is not there yet, and a time before the first event, are not found", async () => {
    for (const options of [{ atVersion: 4 }, { atVersion: 99 }, { asOf: at(-1) }, { asOf: at(-1), by: "occurred" }]) {
      const missing = past(options);
      await expect(missing).rejects.toMatchObject({ code: "VERSION_NOT_FOUND" });
      await expect(missing).rejects.toBeInstanceOf(AggregateNotFoundError);
    }
    await expect(past({ atVersion: 0 }, "nobody")).rejects.toMatchObject({ code: "AGGREGATE_NOT_FOUND" });
    await expect(past({ asOf: at(1) }, "nobody")).rejects.toMatchObject({ code: "AGGREGATE_NOT_FOUND" });
  });

  test.each([
    { atVersion: 1, asOf: at(10) },
    { atVersion: -1 },
    { atVersion: 1.5 },
    { atVersion: Number.NaN },
    { asOf: new Date("no time") },
    { asOf: "2026-03-15" },
    {},
  ])("%j is no past, and is refused", async (options) => {
    await expect(past(options)).rejects.toMatchObject({
      code: expect.stringMatching(/^(VALIDATION_FAILED|OPTION_INVALID)$/),
    });
  });

  test("a past aggregate is read-only, can be shown, and is not the present one", async () => {
    const play = script(Account, async ({ repository }) => {
      const accounts = repository(Account);
      const present = await accounts.get("1");
      const before = await accounts.get("1", { atVersion: 1 });
      expect(before).not.toBe(present);
      const readOnly = expect.objectContaining({ code: "AGGREGATE_READ_ONLY" });
      expect(() => before.deposit(1)).toThrow(readOnly);
      expect(() => before.change(() => undefined)).toThrow(readOnly);
      expect(() => Object.assign(before, { balance: 5 })).toThrow(readOnly);
      expect(() => (before.signatories as unknown as { add(it: object): void }).add({ email: "a@b.co" })).toThrow(
        readOnly,
      );
      expect(before.toJSON()).toMatchObject({ balance: 1 });
      await expect(accounts.add(before)).rejects.toMatchObject({ code: expect.any(String) });
      present.deposit(1000);
      await accounts.add(present);
    });
    const again = await kind.open().start([Account, accountCommands, play.handlers]);
    await again.process(new Open({ accountId: "1" }));
    await again.process(new Deposit({ accountId: "1", amount: 1 }));
    await again.process(play.command());
    expect(await again.process(new Withdraw({ accountId: "1", amount: 0 }))).toBe(1001);
  });

  test("a look at the past changes nothing for the commands that follow", async () => {
    await past({ atVersion: 0 });
    expect(await domain.process(new Withdraw({ accountId: "1", amount: 111 }))).toBe(0);
  });

  test("the history is every event with its version, its class and its metadata, in order", async () => {
    const read = script(Account, async ({ repository }) => {
      const entries = [];
      for await (const entry of repository(Account).history("1")) entries.push(entry);
      return entries;
    });
    const store = kind.open();
    let now = at(0);
    const fresh = await store.start([Account, accountCommands, read.handlers], { clock: { now: () => now } });
    await fresh.process(new Open({ accountId: "1" }), { correlationId: "c1", causationId: "b1" });
    await fresh.process(new Open({ accountId: "2" }));
    now = at(1);
    await fresh.process(new Deposit({ accountId: "1", amount: 7 }), { occurredAt: at(-5), correlationId: "c2" });
    const entries = await fresh.process(read.command());
    expect(
      entries.map(({ version, event, metadata }) => ({
        version,
        event: { ...event },
        of: event.constructor.name,
        type: metadata.type,
      })),
    ).toEqual([
      { version: 0, event: { accountId: "1", holder: "Ada" }, of: "Opened", type: "Opened" },
      { version: 1, event: { accountId: "1", amount: 7 }, of: "Deposited", type: "Deposited" },
    ]);
    expect(entries[1]?.metadata).toMatchObject({
      correlationId: "c2",
      recordedAt: at(1),
      occurredAt: at(-5),
      extensions: {},
    });
    expect(entries[1]!.metadata.position).toBeGreaterThan(entries[0]!.metadata.position + 1);
    expect(Object.isFrozen(entries[0]?.event)).toBe(true);
  });

  test("the history of what is not there is not found, and a state-stored aggregate has none", async () => {
    const absent = script(Account, async ({ repository }) => {
      for await (const entry of repository(Account).history("nobody")) throw new Error(`found ${entry.version}`);
    });
    const stored = script(Branch, async ({ repository }) => {
      const branches = repository(Branch) as unknown as EventSourcedRepository<Branch>; // for callers without types
      for await (const entry of branches.history("1")) throw new Error(`found ${entry.version}`);
    });
    const storedPast = script(Branch, ({ repository }) =>
      (repository(Branch) as unknown as EventSourcedRepository<Branch>).get("1", { atVersion: 0 }),
    );
    const fresh = await kind
      .open()
      .start([Account, Branch, branchCommands, ...[absent, stored, storedPast].map((it) => it.handlers)]);
    await fresh.process(new OpenBranch({ branchId: "1" }));
    await expect(fresh.process(absent.command())).rejects.toMatchObject({ code: "AGGREGATE_NOT_FOUND" });
    await expect(fresh.process(stored.command())).rejects.toMatchObject({ code: "AGGREGATE_NOT_EVENT_SOURCED" });
    await expect(fresh.process(storedPast.command())).rejects.toMatchObject({ code: "AGGREGATE_NOT_EVENT_SOURCED" });
  });
});
