/** One side of before-after.ts: first told its place, then round by round; answers commands per second. */
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import pg from "pg";
import { z } from "zod";

export interface Place {
  readonly folder: string;
  readonly store: "memory" | "sqlite" | "postgres";
  readonly path: string;
  readonly url: string;
}

export interface Round {
  readonly callers: number;
  readonly seconds: number;
}

const accounts = 1000;
const [place] = (await once(process, "message")) as [Place];
// the types are those of the package beside this folder: what is used here is the same in both
const nereus = (await source("index.ts")) as typeof import("nereus");
const { Command, commandHandlers, Domain, Event, EventSourcedAggregate, identifier } = nereus;

const fields = { accountId: identifier(), amount: z.number().int() };
class Opened extends Event("Opened", fields) {}
class Deposited extends Event("Deposited", fields) {}
class Open extends Command("Open", fields).returns<string>() {}
class Deposit extends Command("Deposit", fields) {}
class Account extends EventSourcedAggregate("Account", { accountId: identifier(), balance: z.number().int() })
  .applies(Opened, (account, { accountId, amount }) => {
    account.accountId = accountId;
    account.balance = amount;
  })
  .applies(Deposited, (account, { amount }) => {
    account.balance += amount;
  })
  .invariant("balance", "Insufficient funds", (account) => account.balance >= 0) {}

const handlers = commandHandlers(Account)
  .create(Open, (command) => Account.create((account) => account.raise(new Opened({ ...command }))))
  .update(Deposit, (account, command) => account.raise(new Deposited({ ...command })));

const pool = new pg.Pool({ connectionString: place.url, max: 8 });
const bank = new Domain("bank", { elements: [Account, handlers], store: await storeOf(place) });
await bank.start();
const ids = Array.from({ length: accounts }, (_, at) => `account-${at}`);
await Promise.all(ids.map((accountId) => bank.process(new Open({ accountId, amount: 0 }))));
process.send?.(0);

process.on("message", (round: Round) => void play(round).then((rate) => process.send?.(rate)));
process.once("disconnect", () => void bank.stop().then(() => pool.end()));

async function play({ callers, seconds }: Round): Promise<number> {
  const start = performance.now();
  const end = start + seconds * 1000;
  let done = 0;
  const call = async (): Promise<void> => {
    while (performance.now() < end) {
      await bank.process(new Deposit({ accountId: ids[done++ % accounts] as string, amount: 1 }));
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  return (done * 1000) / (performance.now() - start);
}

async function storeOf({ store, path }: Place) {
  if (store === "memory")
    return ((await source("adapters/memory/index.ts")) as typeof import("nereus/memory")).memory();
  if (store === "sqlite") {
    return ((await source("adapters/sqlite/index.ts")) as typeof import("nereus/sqlite")).sqlite(path);
  }
  const { postgres } = (await source("adapters/postgres/index.ts")) as typeof import("nereus/postgres");
  return postgres({ pool, setUp: true });
}

function source(file: string): Promise<unknown> {
  return import(pathToFileURL(join(place.folder, "packages/nereus/src", file)).href);
}
