// Run as a child process: writes events and projects them with an engine until it is killed.
// Usage: node --conditions=@nereus/source projecting-child.ts <place>
// It prints a line after every batch of commands; its parent kills it at some moment.

import { Domain } from "nereus";
import { storeAt } from "./store-at.ts";
import { elements, Tick } from "./ticks.ts";

const domain = new Domain("ticks", { elements, store: storeAt(process.argv[2] ?? "") });
await domain.start();
await domain.engine().start();
for (let n = 0; ; n++) {
  await Promise.all(Array.from({ length: 20 }, (_, k) => domain.process(new Tick({ clockId: `${(n + k) % 7}` }))));
  console.log(n);
}
