import { commandHandlers } from "nereus";
import { Account } from "./account.ts";
import { BookTransaction } from "./messages.ts";

/** The first transaction of an account opens it, in the same commit. */
export const accountCommands = commandHandlers(Account).on(BookTransaction, async (command, { repository }) => {
  const { accountId, bookedOn } = command;
  const account = (await repository(Account).find(accountId)) ?? Account.open(accountId, bookedOn);
  const booked = account.book(command);
  if (booked) await repository(Account).add(account);
  return booked;
});
