import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { Account, accountCommands, Deposit, Deposited, Open, Withdraw } from "../support/bank.ts";
import { places, temporaryFolder } from "../support/places.ts";
import { script } from "../support/scripts.ts";

const events = 3000;

describe.each(places())("on $name", (kind) => {
  test("B1: 3,000 events reload at version 2,999, also as of a time and at a version", async () => {
    const place = kind.open();
    let now = 1000;
    const clock = { now: () => new Date(now) };
    const build = script(Account, async ({ repository }) => {
      const account = Account.open("1", "Ada");
      for (let n = 1; n < events; n++) account.raise(new Deposited({ accountId: "1", amount: 1 }));
      await repository(Account).add(account);
    });
    const first = await place.start([Account, build.handlers], { clock });
    await first.process(build.command());
    now = 2000;

    const look = script(Account, async ({ repository }) => {
      const accounts = repository(Account);
      const [present, asOf, happened, atVersion] = [
        await accounts.get("1", { atVersion: events - 1 }),
        await accounts.get("1", { asOf: new Date(1500) }),
        await accounts.get("1", { asOf: new Date(1500), by: "occurred" }),
        await accounts.get("1", { atVersion: 2500 }),
      ];
      return [present, asOf, happened, atVersion].map(({ version, balance }) => ({ version, balance }));
    });
    const second = await place.start([Account, accountCommands, look.handlers], { clock });
    const all = { version: events - 1, balance: events - 1 };
    expect(await second.process(look.command())).toEqual([all, all, all, { version: 2500, balance: 2500 }]);

    expect(await second.process(new Withdraw({ accountId: "1", amount: 1 }), { expectedVersion: events - 1 })).toBe(
      events - 2,
    );
    const third = await place.start([Account, accountCommands, look.handlers], { cachedAggregates: 0, clock });
    expect(await third.process(new Withdraw({ accountId: "1", amount: 1 }), { expectedVersion: events })).toBe(
      events - 3,
    );
  });

  test("B1: a stream that grows over many saves is never loaded short of its end", async () => {
    const place = kind.open();
    const domain = await place.start([Account, accountCommands], { cachedAggregates: 0 });
    await domain.process(new Open({ accountId: "1" }));
    const build = script(Account, async ({ repository }) => {
      const account = await repository(Account).get("1");
      for (let n = 0; n < 999; n++) account.deposit(1);
      await repository(Account).add(account);
    });
    const builder = await place.start([Account, build.handlers], { cachedAggregates: 0 });
    for (let round = 1; round <= 3; round++) {
      await builder.process(build.command());
      // exactly at, and just past, the edges of a page of 1,000
      await domain.process(new Deposit({ accountId: "1", amount: 1 }), { expectedVersion: round * 1000 - 1 });
    }
    expect(await domain.process(new Withdraw({ accountId: "1", amount: 0 }))).toBe(3000);
  });
});

test("B1: a million events load within a small heap, without a hidden limit", { timeout: 120_000 }, async () => {
  const child = fileURLToPath(new URL("../support/big-stream.ts", import.meta.url));
  const path = join(temporaryFolder(), "big.db");
  // all of them in memory at once would take several times this heap
  const limits = ["--max-old-space-size=64", "--conditions=@nereus/source"];
  const { stdout } = await promisify(execFile)(process.execPath, [...limits, child, path, "1000000"]);
  expect(JSON.parse(stdout)).toEqual({ balance: 999_998 });
});
