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
} from "nereus";
import { postgres } from "nereus/postgres";
import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { RecordedLog } from "../support/places.ts";
import { makeCluster, makeStandby, whyNoCluster } from "../support/postgres-cluster.ts";
import { proxyTo } from "../support/proxy.ts";
import { until } from "../support/until.ts";

const amount = z.number().int();

class Opened extends Event("Opened", { accountId: identifier() }) {}
class Deposited extends Event("Deposited", { accountId: identifier(), amount }) {}
class Withdrawn extends Event("Withdrawn", { accountId: identifier(), amount }) {}
/** First raised by the process that lives through the promotion, and by the other one. */
class Blocked extends Event("Blocked", { accountId: identifier() }) {}
class Released extends Event("Released", { accountId: identifier() }) {}

class Account extends EventSourcedAggregate("Account", {
  accountId: identifier(),
  balance: amount.default(0),
  isBlocked: z.boolean().default(false),
})
  .applies(Opened, (account, event) => {
    account.accountId = event.accountId;
  })
  .applies(Deposited, (account, event) => {
    account.balance += event.amount;
  })
  .applies(Withdrawn, (account, event) => {
    account.balance -= event.amount;
  })
  .applies(Blocked, (account) => {
    account.isBlocked = true;
  })
  .applies(Released, (account) => {
    account.isBlocked = false;
  })
  .invariant("balance", "Insufficient funds", ({ balance }) => balance >= 0) {}

class Open extends Command("Open", { accountId: identifier() }) {}
class Deposit extends Command("Deposit", { accountId: identifier(), amount }) {}
class Withdraw extends Command("Withdraw", { accountId: identifier(), amount }).returns<number>() {}
class Block extends Command("Block", { accountId: identifier() }) {}
class Release extends Command("Release", { accountId: identifier() }) {}
class BlockInTransaction extends Command("BlockInTransaction", { accountId: identifier() }) {}
class Look extends Command("Look", { accountId: identifier() }).returns<{ balance: number; isBlocked: boolean }>() {}

const commands = commandHandlers(Account)
  .create(Open, (command) => Account.create((account) => account.raise(new Opened(command))))
  .update(Deposit, (account, command) => account.raise(new Deposited(command)))
  .update(Withdraw, (account, command) => {
    account.raise(new Withdrawn(command));
    return account.balance;
  })
  .update(Block, (account, command) => account.raise(new Blocked(command)))
  .update(Release, (account, command) => account.raise(new Released(command)))
  .on(BlockInTransaction, async ({ accountId }, { repository, transaction }) => {
    await transaction.query("SELECT 1");
    const account = await repository(Account).get(accountId);
    account.raise(new Blocked({ accountId }));
    await repository(Account).add(account);
  })
  .on(Look, async ({ accountId }, { repository }) => {
    const { balance, isBlocked } = await repository(Account).get(accountId);
    return { balance, isBlocked };
  });

class AtOnce extends Projection("AtOnce", { accountId: identifier(), balance: amount }) {}
class Later extends Projection("Later", { accountId: identifier(), balance: amount }) {}

function accountOf({ accountId }: { readonly accountId: string }): string {
  return accountId;
}

/** The domain's elements, and the amounts that their event handler was told. */
function bankElements(): { readonly elements: readonly Element[]; readonly heard: number[] } {
  const heard: number[] = [];
  const inline = projector(AtOnce, { run: "inline" })
    .create(Opened, ({ accountId }) => ({ accountId, balance: 0 }))
    .update(Deposited, accountOf, (row, event) => {
      row.balance += event.amount;
    })
    .update(Withdrawn, accountOf, (row, event) => {
      row.balance -= event.amount;
    });
  const later = projector(Later, { run: "async" })
    .create(Opened, ({ accountId }) => ({ accountId, balance: 0 }))
    .update(Deposited, accountOf, (row, event) => {
      row.balance += event.amount;
    })
    .update(Withdrawn, accountOf, (row, event) => {
      row.balance -= event.amount;
    });
  const mail = eventHandlers("Mail", { run: "async" }).on(Deposited, (event) => {
    heard.push(event.amount);
  });
  return { elements: [Account, commands, AtOnce, inline, Later, later, mail], heard };
}

async function started(connectionString: string) {
  const { elements, heard } = bankElements();
  const log = new RecordedLog();
  const store = postgres({ connectionString, setUp: true });
  const domain = new Domain("bank", { store, elements, log });
  await domain.start();
  onTestFinished(() => domain.stop());
  return { domain, heard, log, store };
}

/** A process whose database is led to another server: its asynchronous standby, which lacks what `lost` does. */
async function promoted(before: (mine: Domain) => Promise<void>, lost: (mine: Domain) => Promise<void>) {
  const primary = await makeCluster();
  onTestFinished(() => primary.remove());
  const proxy = await proxyTo(primary.port);
  onTestFinished(() => proxy.close());
  const here = await started(primary.url.replace(String(primary.port), String(proxy.port)));
  await here.domain.process(new Open({ accountId: "1" }));
  await before(here.domain);
  const standby = await makeStandby(primary);
  onTestFinished(() => standby.remove());
  onTestFinished(() => here.domain.stop()); // while there is a server that answers
  standby.stop("fast");
  await lost(here.domain);
  primary.stop("immediate");
  standby.start();
  standby.promote();
  proxy.target = standby.port;
  proxy.cutAll();
  const there = await started(standby.url);
  return { here, there, url: standby.url };
}

async function typesOf(url: string): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query("SELECT type FROM nereus.nereus_log WHERE kind = 'event' ORDER BY position");
  await client.end();
  return rows.map((row: { type: string }) => row.type);
}

const missing = whyNoCluster();

describe.skipIf(missing !== undefined)("an asynchronous standby that is promoted without the last commits", () => {
  const one = { accountId: "1" };

  test("decides a withdrawal on what it has, not on what a running process remembers", async () => {
    const { here, there } = await promoted(
      async () => undefined,
      async (mine) => mine.process(new Deposit({ ...one, amount: 2000 })),
    );
    await there.domain.process(new Deposit({ ...one, amount: 31 })); // the same version again
    await expect(here.domain.process(new Withdraw({ ...one, amount: 1500 }))).rejects.toMatchObject({
      code: "INVARIANT_FAILED",
    });
    expect(await here.domain.process(new Withdraw({ ...one, amount: 30 }))).toBe(1);
    expect(await there.domain.process(new Look(one))).toMatchObject({ balance: 1 });
  });

  test.each([
    ["alone", Block],
    ["in a transaction", BlockInTransaction],
  ])("means the same by a type that only one of them has stored: written %s", async (_, BlockIt) => {
    const { here, there, url } = await promoted(
      async () => undefined,
      async (mine) => mine.process(new Block(one)),
    );
    await there.domain.process(new Release(one)); // where numbers are given in order, Released gets that of Blocked
    await here.domain.process(new BlockIt(one));
    await here.domain.process(new Deposit({ ...one, amount: 7 }));
    expect(await typesOf(url)).toEqual(["Opened", "Released", "Blocked", "Deposited"]);
    expect(await there.domain.process(new Look(one))).toEqual({ balance: 7, isBlocked: true });
    expect(await here.domain.process(new Look(one))).toEqual({ balance: 7, isBlocked: true });
    const third = await started(url);
    expect(await third.domain.process(new Look(one))).toEqual({ balance: 7, isBlocked: true });
  });

  test("has rows and handlers follow what it has, and nothing that is new is passed over", async () => {
    const engines: { stop(): Promise<unknown> }[] = [];
    onTestFinished(async () => {
      for (const engine of engines) await engine.stop();
    });
    const { here, there } = await promoted(
      async (mine) => {
        const engine = mine.engine();
        await engine.start();
        engines.push(engine);
        await mine.process(new Deposit({ ...one, amount: 5 }));
        await until(async () => (await mine.view(Later).get("1"))?.balance === 5);
      },
      async (mine) => {
        for (let at = 0; at < 6; at++) await mine.process(new Deposit({ ...one, amount: 2000 + at }));
        await until(async () => (await mine.view(Later).get("1"))?.balance === 12_020);
      },
    );
    for (let at = 0; at < 9; at++) await there.domain.process(new Deposit({ ...one, amount: 10 + at }));
    await until(() => here.heard.filter((heard) => heard >= 10 && heard < 100).length === 9);
    await until(async () => (await here.domain.view(Later).get("1"))?.balance === 131);
    expect(await here.domain.view(AtOnce).get("1")).toMatchObject({ balance: 131 });
    await here.domain.process(new Deposit({ ...one, amount: 1 }));
    expect(await there.domain.view(AtOnce).get("1")).toMatchObject({ balance: 132 });
    await until(async () => (await there.domain.view(Later).get("1"))?.balance === 132);
    const codes = here.log.errors.map(({ details }) => (details as { code?: string }).code);
    expect(codes).toContain("STORE_WENT_BACK");
  });
});
