// Run as a child process: places and sends orders while an engine handles them, until it is killed.
// Usage: node --conditions=@nereus/source handling-child.ts <place> <name>
// It prints a line after every few orders; its parent kills it at some moment.

import { Domain } from "nereus";
import { elements, Place } from "./handling.ts";
import { storeAt } from "./store-at.ts";

const [place = "", name = ""] = process.argv.slice(2);
const domain = new Domain("orders", { elements, store: storeAt(place) });
await domain.start();
await domain.engine().start();
for (let n = 0; ; n++) {
  await domain.process(new Place({ orderId: `${name}-${n}` }));
  await domain.send(new Place({ orderId: `${name}-${n}-sent` }), { priority: n % 2 === 0 ? "low" : "high" });
  console.log(n);
}
