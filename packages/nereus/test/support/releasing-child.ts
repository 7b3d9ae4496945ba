// Run as a child process: commits as one release until it is killed.
// Usage: node --conditions=@nereus/source releasing-child.ts <place> <release> <name>
// It prints the name of every command that was answered; an error ends it.
import { Domain } from "nereus";
import { Add, accounts, Row, releases, tenants } from "./releases.ts";
import { storeAt } from "./store-at.ts";

const [place = "", release = "", name = ""] = process.argv.slice(2);
const log = { warn: () => undefined, error: console.error };
const domain = new Domain("bank", { elements: releases[release] ?? [], store: storeAt(place), retries: 1000, log });
await domain.start();
for (let at = 0; ; at++) {
  const tenant = tenants[at % tenants.length] as string;
  const id = String((at * 7) % accounts);
  const by = `${name}-${at}`;
  await domain.process(new Add({ id, by, n: 1 + (at % 5) }), { tenant });
  console.log(by);
  if (release !== "none" && at % 10 === 0) await domain.view(Row, { tenant }).get(id);
}
