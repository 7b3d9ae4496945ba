import { setTimeout } from "node:timers/promises";
import { Domain, type Store } from "nereus";
import { postgres } from "nereus/postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startChild } from "../support/child.ts";
import { makeCluster, type PostgresCluster, whyNoCluster } from "../support/postgres-cluster.ts";
import { Account, AtOnce, accounts, elements, Later, OpenAccounts, Teller } from "../support/transfers.ts";
import { workbench } from "../support/workbench.ts";

const rounds = Number(process.env["NEREUS_TEST_CRASHES"] ?? 4);
const child = new URL("../support/transferring-child.ts", import.meta.url);
const look = workbench(Account);

describe.skipIf(whyNoCluster() !== undefined)("a bank on PostgreSQL under load, whose server and clients crash", () => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await makeCluster();
  });
  afterAll(() => cluster?.remove());

  test(
    "keeps every transfer that it has acknowledged, none twice, with the right total everywhere, and goes on by itself",
    async () => {
      const store = postgres({ connectionString: cluster.url, setUp: true, patience: 30_000 });
      const bank = new Domain("bank", { elements: [...elements, look.handlers], store });
      await bank.start();
      await bank.process(new OpenAccounts({ amount: 1_000_000 }));

      const acknowledged = new Set<string>();
      const made = (line: string) => (Number(line) * 7) % accounts !== (Number(line) * 11 + 3) % accounts;
      const start = (name: string, first: number) => ({
        name,
        ...startChild(child, [cluster.url, name, String(first)]),
      });
      const printed = ({ lines }: { lines: readonly string[] }) => Math.max(-1, ...lines.map(Number));
      const steady = start("steady", 0);
      let first = 0;
      for (let round = 0; round < rounds; round++) {
        // This one is killed; the other one lives through every crash of the server.
        const victim = start("victim", first);
        await Promise.all([victim.printed(30), steady.printed(steady.lines.length + 30)]);
        await setTimeout(Math.random() * 200);
        if (round % 2 === 0) crash(cluster);
        else victim.process.kill("SIGKILL");
        await steady.printed(steady.lines.length + 60);
        if (round % 2 === 0) {
          await victim.printed(victim.lines.length + 30);
          victim.process.kill("SIGKILL");
        }
        expect(await victim.ended).toBe("SIGKILL");
        for (const line of victim.lines.filter(made)) acknowledged.add(`victim-${line}`);
        // Those in flight are not known to be made: the next one asks for them, and for some that are, once more.
        first = Math.max(0, printed(victim) - 20);
      }
      crash(cluster);
      await steady.printed(steady.lines.length + 60);
      steady.process.kill("SIGKILL");
      await steady.ended;
      for (const line of steady.lines.filter(made)) acknowledged.add(`steady-${line}`);
      await bank.settle();
      await audit(bank, store, acknowledged);
      await bank.stop();
    },
    180_000 + rounds * 60_000,
  );
});

function crash(cluster: PostgresCluster): void {
  cluster.stop("immediate");
  cluster.start();
}

/** Counts the money in events, states and rows of both kinds, and every transfer in its two events. */
async function audit(bank: Domain, store: Store, acknowledged: ReadonlySet<string>): Promise<void> {
  const balances = new Map<string, number>();
  const sent = new Map<string, number>();
  const received = new Map<string, number>();
  const add = (counts: Map<string, number>, key: string, more: number) =>
    counts.set(key, (counts.get(key) ?? 0) + more);
  for (let after = 0; ; ) {
    const { messages, through } = await store.log.readLog({ after, limit: 1000 });
    for (const { type, data } of messages) {
      const { accountId, amount, transfer } = JSON.parse(data);
      add(balances, accountId, type === "Sent" ? -amount : amount);
      if (type !== "Opened") add(type === "Sent" ? sent : received, transfer, 1);
    }
    if (through === after) break;
    after = through;
  }
  expect([...acknowledged].filter((transfer) => !sent.has(transfer))).toEqual([]);
  expect([...sent].filter(([, times]) => times !== 1)).toEqual([]);
  expect(received).toEqual(sent);

  const expected = Object.fromEntries(balances);
  expect(Object.keys(expected)).toHaveLength(accounts);
  expect([...balances.values()].reduce((sum, balance) => sum + balance, 0)).toBe(accounts * 1_000_000);
  const states = await look.run(bank, async ({ repository }) =>
    Promise.all(Object.keys(expected).map((id) => repository(Account).get(id))),
  );
  const tellers = await look.run(bank, async ({ repository }) => repository(Teller).query({}));
  expect(byAccount(states)).toEqual(expected);
  expect(byAccount(await bank.view(AtOnce).find())).toEqual(expected);
  expect(byAccount(await bank.view(Later).find())).toEqual(expected);
  expect(tellers.reduce((sum, { transfers }) => sum + transfers, 0)).toBe(sent.size);
}

function byAccount(all: readonly { readonly accountId: string; readonly balance: number }[]): Record<string, number> {
  return Object.fromEntries(all.map(({ accountId, balance }) => [accountId, balance]));
}
