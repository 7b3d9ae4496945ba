// Appends to five streams that other processes append to as well, retrying on conflict. Prints the message ids.
// Arguments: path, how many.
import { sqlite } from "../../../src/adapters/sqlite/index.ts";
import { appendOf, messageOf } from "../../../src/conformance/samples.ts";

const [path = "", count = "0"] = process.argv.slice(2);
const store = sqlite(path, { busyTimeout: 30_000 });
await store.open([]);
let left = Number(count);

async function work(): Promise<void> {
  while (left > 0) {
    const number = left--;
    const message = messageOf(`From${process.pid}`);
    let expected: number | "any" = number % 3 === 0 ? "any" : -1;
    for (;;) {
      const outcome = await store.commit({ appends: [appendOf(`stream-${number % 5}`, expected, message)] });
      if (outcome.status === "committed") break;
      if (outcome.status !== "conflict" || outcome.conflict.on !== "stream") throw new Error(JSON.stringify(outcome));
      if (outcome.conflict.unseen.length !== outcome.conflict.actual - Number(expected)) throw new Error("unseen");
      expected = outcome.conflict.actual;
    }
    process.stdout.write(`${message.id}\n`);
  }
}

await Promise.all(Array.from({ length: 6 }, work));
await store.close();
