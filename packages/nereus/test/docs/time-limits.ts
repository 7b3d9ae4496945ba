// The snippets of docs/guides/limits.md on time and memory.
import { commandHandlers, Domain } from "nereus";
import { sqlite } from "nereus/sqlite";
import { Account, Deposit, bank as elements } from "../support/bank.ts";

declare const send: (amount: number, options: { readonly signal: AbortSignal }) => Promise<void>;

export const accountCommands = commandHandlers(Account, { timeout: { seconds: 5 } }).update(
  Deposit,
  async (account, { amount }, { signal }) => {
    await send(amount, { signal });
    account.deposit(amount);
  },
);

export const bank = new Domain("bank", {
  elements,
  store: sqlite("bank.db"),
  timeout: { seconds: 30 },
  cachedAggregates: 10_000,
  cachedCharacters: 64_000_000,
});

export async function deposit(id: string): Promise<void> {
  await bank.process(new Deposit({ accountId: "576", amount: 100 }), { timeout: 1000, idempotencyKey: id });
}

process.once("SIGTERM", () => bank.stop({ within: { seconds: 20 } }));
