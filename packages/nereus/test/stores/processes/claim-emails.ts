// Claims 100 email addresses that other processes claim as well, eight at a time, each in a commit with an event.
// Prints the addresses it won, and then how many it lost. Arguments: path, name.
import { sqlite } from "../../../src/adapters/sqlite/index.ts";
import { appendOf, messageOf } from "../../../src/conformance/samples.ts";
import { members } from "../../../src/conformance/unique-cases.ts";

const [path = "", name = ""] = process.argv.slice(2);
const store = sqlite(path, { busyTimeout: 30_000 });
await store.open([members]);
let next = 0;
let lost = 0;

async function work(): Promise<void> {
  while (next < 100) {
    const number = next++;
    const id = `${name}-${number}`;
    const outcome = await store.commit({
      appends: [appendOf(id, "none", messageOf("Claimed"))],
      documents: [
        {
          collection: "members",
          tenant: "",
          id,
          expectedVersion: "none",
          data: JSON.stringify({ email: `mail-${number}` }),
        },
      ],
    });
    if (outcome.status === "committed") process.stdout.write(`mail-${number}\n`);
    else if (outcome.status === "conflict" && outcome.conflict.on === "unique") lost++;
    else throw new Error(JSON.stringify(outcome));
  }
}

await Promise.all(Array.from({ length: 8 }, work));
process.stdout.write(`lost ${lost}\n`);
await store.close();
