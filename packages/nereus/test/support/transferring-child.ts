// Run as a child process: moves money until it is killed, eight transfers at a time, while an engine projects them.
// Usage: node --conditions=@nereus/source transferring-child.ts <place> <name> <number of the first transfer>
// It prints each transfer's number once it is acknowledged.

import { Domain } from "nereus";
import { storeAt } from "./store-at.ts";
import { accounts, elements, Transfer } from "./transfers.ts";

const [place = "", name = "", first = "0"] = process.argv.slice(2);
const bank = new Domain("bank", { elements, store: storeAt(place), log: { warn() {}, error: console.error } });
await bank.start();
await bank.engine().start();

let next = Number(first);
async function work(): Promise<void> {
  for (;;) {
    const number = next++;
    const transfer = `${name}-${number}`;
    const [from, to] = [String((number * 7) % accounts), String((number * 11 + 3) % accounts)];
    const command = new Transfer({ transfer, teller: `${name} ${number % 8}`, from, to, amount: 5 });
    // The number is its key, so that one that is asked for again after a crash is made once.
    if (from !== to) await bank.process(command, { idempotencyKey: transfer });
    console.log(number);
  }
}
await Promise.all(Array.from({ length: 8 }, work));
