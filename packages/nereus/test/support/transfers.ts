// Transfers between accounts, kept in every way at once: the model of the tests that kill the bank and its database.
import {
  Aggregate,
  Command,
  commandHandlers,
  Event,
  EventSourcedAggregate,
  identifier,
  Projection,
  projector,
} from "nereus";
import { z } from "zod";

const amount = z.number().int().positive();

export const accounts = 40;

export class Opened extends Event("Opened", { accountId: identifier(), amount }) {}
export class Sent extends Event("Sent", { accountId: identifier(), transfer: z.string(), amount }) {}
export class Received extends Event("Received", { accountId: identifier(), transfer: z.string(), amount }) {}

export class Account extends EventSourcedAggregate("Account", {
  accountId: identifier(),
  balance: z.number().default(0),
})
  .applies(Opened, (account, event) => {
    account.accountId = event.accountId;
    account.balance = event.amount;
  })
  .applies(Sent, (account, event) => {
    account.balance -= event.amount;
  })
  .applies(Received, (account, event) => {
    account.balance += event.amount;
  })
  .invariant("balance", "Insufficient funds", ({ balance }) => balance >= 0) {}

/** How many transfers somebody has made. */
export class Teller extends Aggregate("Teller", { tellerId: identifier(), transfers: z.number().int() }) {}

export class OpenAccounts extends Command("OpenAccounts", { amount }) {}
export class Transfer extends Command("Transfer", {
  transfer: z.string(),
  teller: z.string(),
  from: identifier(),
  to: identifier(),
  amount,
}) {}

const commands = commandHandlers(Account)
  .on(OpenAccounts, async ({ amount: each }, { repository }) => {
    for (let at = 0; at < accounts; at++) {
      const opened = new Opened({ accountId: String(at), amount: each });
      await repository(Account).add(Account.create((account) => account.raise(opened)));
    }
  })
  .on(Transfer, async ({ transfer, teller: tellerId, from, to, amount: moved }, { repository }) => {
    const [sender, receiver] = [await repository(Account).get(from), await repository(Account).get(to)];
    sender.raise(new Sent({ accountId: from, transfer, amount: moved }));
    receiver.raise(new Received({ accountId: to, transfer, amount: moved }));
    await repository(Account).add(sender);
    await repository(Account).add(receiver);
    const teller = (await repository(Teller).find(tellerId)) ?? new Teller({ tellerId, transfers: 0 });
    teller.transfers += 1;
    await repository(Teller).add(teller);
  });

export class AtOnce extends Projection("AtOnce", { accountId: identifier(), balance: z.number() }) {}
export class Later extends Projection("Later", { accountId: identifier(), balance: z.number() }) {}

const started = ({ accountId, amount: balance }: Opened) => ({ accountId, balance });
const accountOf = ({ accountId }: Sent | Received) => accountId;
const less = (row: { balance: number }, event: Sent) => {
  row.balance -= event.amount;
};
const more = (row: { balance: number }, event: Received) => {
  row.balance += event.amount;
};
const atOnce = projector(AtOnce, { run: "inline" })
  .create(Opened, started)
  .update(Sent, accountOf, less)
  .update(Received, accountOf, more);
const later = projector(Later, { run: "async" })
  .create(Opened, started)
  .update(Sent, accountOf, less)
  .update(Received, accountOf, more);

export const elements = [Account, Teller, commands, AtOnce, Later, atOnce, later];
