// Moves money between ten accounts until it is killed: eight transfers at a time, each one commit of two events in two
// streams, two documents and an outbox entry. Prints each transfer's number once it is acknowledged.
// Arguments: path, number of the first transfer, most transfers.
import { sqlite } from "../../../src/adapters/sqlite/index.ts";
import { appendOf, messageOf, streamOf } from "../../../src/conformance/samples.ts";
import type { DocumentWrite } from "../../../src/ports/store.ts";
import { accounts } from "./accounts.ts";

const [path = "", first = "0", most = "1000000"] = process.argv.slice(2);
const store = sqlite(path);
await store.open([accounts]);
let next = Number(first);
const end = next + Number(most);

async function transfer(number: number): Promise<void> {
  const from = `account-${number % 10}`;
  const to = `account-${(number * 7 + 3) % 10}`;
  if (from === to) return;
  for (;;) {
    const ids = [from, to] as const;
    const balances = await store.documents.get("accounts", "", ids);
    const versions = await Promise.all(
      ids.map(
        async (id) => (await store.log.readStream(streamOf(id), { direction: "backwards", limit: 1 }))[0]?.version,
      ),
    );
    const documents = ids.map((id, at): DocumentWrite => {
      const stored = balances.get(id);
      const balance = stored === undefined ? 1000 : Number(JSON.parse(stored.data).balance);
      const data = JSON.stringify({ id, balance: balance + (at === 0 ? -5 : 5) });
      return { collection: "accounts", tenant: "", id, expectedVersion: stored?.version ?? "none", data };
    });
    const payload = JSON.stringify({ number });
    const outcome = await store.commit({
      appends: ids.map((id, at) => appendOf(id, versions[at] ?? -1, messageOf("Moved", { data: payload }))),
      documents,
      outbox: [{ id: String(number), destination: "payments", data: payload }],
    });
    if (outcome.status === "committed") return;
  }
}

async function work(): Promise<void> {
  while (next < end) {
    const number = next++;
    await transfer(number);
    process.stdout.write(`${number}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, work));
await store.close();
