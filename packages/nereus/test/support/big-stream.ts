// Run as a child process with a bounded heap: a stream longer than that heap is loaded whole, without a hidden limit.
// Usage: node --conditions=@nereus/source --max-old-space-size=64 big-stream.ts <file> <events>
import { Domain } from "nereus";
import { sqlite } from "nereus/sqlite";
import { checksumOf } from "../../src/log/checksum.ts";
import { newIdentity } from "../../src/model/identity.ts";
import { Account, accountCommands, Withdraw } from "./bank.ts";

const [path = "", count = "0"] = process.argv.slice(2);
const events = Number(count);
const store = sqlite(path, { synchronous: "NORMAL" });
await store.open([]);

const stream = { tenant: "", kind: "event", category: "Account", id: "1" } as const;
const opened = JSON.stringify({ accountId: "1", holder: "Ada" });
const deposited = JSON.stringify({ accountId: "1", amount: 1 });
const checksum = checksumOf(deposited);
const batch = 5000;
for (let from = 0; from < events; from += batch) {
  const messages = Array.from({ length: Math.min(batch, events - from) }, (_, index) => {
    const first = from + index === 0;
    const id = newIdentity();
    return {
      id,
      type: first ? "Opened" : "Deposited",
      schemaVersion: 1,
      data: first ? opened : deposited,
      checksum: first ? checksumOf(opened) : checksum,
      recordedAt: from + index,
      occurredAt: from + index,
      correlationId: id,
      causationId: null,
      traceparent: null,
      extensions: null,
    };
  });
  await store.commit({ appends: [{ stream, expectedVersion: from === 0 ? "none" : from - 1, messages }] });
}
await store.close();

const bank = new Domain("bank", { elements: [Account, accountCommands], store });
await bank.start();
const balance = await bank.process(new Withdraw({ accountId: "1", amount: 1 }));
await bank.stop();
console.log(JSON.stringify({ balance }));
