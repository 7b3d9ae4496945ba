/**
 * How long the commands of a quiet tenant take, alone and beside many callers of a loud one, on one store and in one process: p50 and p99 in milliseconds, and what
 * the loud tenant gets done meanwhile. Run as
 *
 *   npm run quiet-tenant -- [--callers 4096] [--seconds 5] [--rounds 3] [--only sqlite]
 *
 * PostgreSQL is at NEREUS_BENCH_POSTGRES, by default postgres://postgres@127.0.0.1:5432/postgres. Nereus is read from its sources.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Command, commandHandlers, Domain, type DomainOptions, Event, EventSourcedAggregate, identifier } from "nereus";
import { postgres } from "nereus/postgres";
import { sqlite } from "nereus/sqlite";
import pg from "pg";
import { z } from "zod";
import { percentileOf } from "./measure.ts";

const server = process.env["NEREUS_BENCH_POSTGRES"] ?? "postgres://postgres@127.0.0.1:5432/postgres";
const { values } = parseArgs({
  options: {
    callers: { type: "string", default: "4096" },
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    only: { type: "string", default: "" },
  },
});
const callers = Number(values.callers);
const seconds = Number(values.seconds);

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
  }) {}
const handlers = commandHandlers(Account)
  .create(Open, (command) => Account.create((account) => account.raise(new Opened({ ...command }))))
  .update(Deposit, (account, command) => account.raise(new Deposited({ ...command })));

console.log(`${cpus()[0]?.model}, ${cpus().length} cores, ${process.version}; ${callers} callers of the loud tenant`);
for (const [name, open] of [
  ["sqlite", onFile],
  ["postgres", onServer],
] as const) {
  if (!name.startsWith(values.only)) continue;
  const { store, drop } = await open();
  const bank = new Domain("bank", { elements: [Account, handlers], store });
  await bank.start();
  await bank.process(new Open({ accountId: "quiet", amount: 0 }), { tenant: "quiet" });
  for (let at = 0; at < callers; at += 512)
    await Promise.all(Array.from({ length: 512 }, (_, n) => opened(bank, at + n)));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const loud of [0, callers]) console.log(`${name}, ${await measured(bank, loud)}`);
  }
  await bank.stop();
  await drop();
}

function opened(bank: Domain, at: number): Promise<unknown> {
  return bank.process(new Open({ accountId: `account-${at}`, amount: 0 }), { tenant: "loud" });
}

async function measured(bank: Domain, loud: number): Promise<string> {
  const giveUp = new AbortController();
  let done = 0;
  const call = async (at: number): Promise<void> => {
    const accountId = `account-${at}`;
    while (!giveUp.signal.aborted) {
      await bank.process(new Deposit({ accountId, amount: 1 }), { tenant: "loud" });
      done++;
    }
  };
  const calls = Array.from({ length: loud }, (_, at) => call(at));
  await setTimeout(1000);
  const since = performance.now();
  const before = done;
  const waits: number[] = [];
  while (performance.now() - since < seconds * 1000) {
    const due = performance.now() + 5; // from then on it waits, also for the process to hear of it
    await setTimeout(5);
    await bank.process(new Deposit({ accountId: "quiet", amount: 1 }), { tenant: "quiet" });
    waits.push(performance.now() - due);
  }
  const rate = ((done - before) * 1000) / (performance.now() - since);
  giveUp.abort();
  await Promise.all(calls);
  const [p50, p99] = [0.5, 0.99].map((part) => percentileOf(Float64Array.from(waits), part).toFixed(1));
  const beside = loud === 0 ? "alone" : `beside ${Math.round(rate)} commands a second of the loud one`;
  return `the quiet tenant ${beside}: p50 ${p50}, p99 ${p99} ms of ${waits.length}`;
}

type Place = { readonly store: DomainOptions["store"]; drop(): Promise<void> };

async function onFile(): Promise<Place> {
  const directory = mkdtempSync(join(tmpdir(), "nereus-quiet-tenant-"));
  return { store: sqlite(join(directory, "bank.db")), drop: async () => rmSync(directory, { recursive: true }) };
}

async function onServer(): Promise<Place> {
  const name = `nereus_bench_${process.pid}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  await asked(`CREATE DATABASE ${name}`);
  const pool = new pg.Pool({ connectionString: url.href, max: 8 });
  return {
    store: postgres({ pool, setUp: true }),
    drop: async () => {
      await pool.end();
      await asked(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

async function asked(statement: string): Promise<void> {
  const client = new pg.Client(server);
  await client.connect();
  await client.query(statement);
  await client.end();
}
