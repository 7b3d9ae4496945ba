import { join } from "node:path";
import {
  Command,
  commandHandlers,
  Domain,
  Event,
  EventSourcedAggregate,
  eventHandlers,
  identifier,
  Projection,
  projector,
} from "nereus";
import { sqlite } from "nereus/sqlite";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { heap } from "./support/heap.ts";
import { temporaryFolder } from "./support/places.ts";

class Added extends Event("Added", { pageId: identifier(), text: z.string() }) {}
class Page extends EventSourcedAggregate("Page", { pageId: identifier() }).applies(Added, (page, { pageId }) => {
  page.pageId = pageId;
}) {}
class Add extends Command("Add", { pageId: identifier(), text: z.string() }) {}
const handlers = commandHandlers(Page).create(Add, (command) =>
  Page.create((page) => page.raise(new Added({ ...command }))),
);
class Length extends Projection("Length", { pageId: identifier(), length: z.number() }) {}

const count = 200;
const text = "x".repeat(400_000);

test("followers of the log hold few large events at once", async () => {
  const most = { heap: 0 };
  const seen = { rows: 0, handled: 0 };
  const look = (n: number) => {
    if (n % 25 === 0) most.heap = Math.max(most.heap, heap());
  };
  const lengths = projector(Length, { run: "async" }).on(Added, async (event, { rows }) => {
    look(seen.rows++);
    await rows.create({ pageId: event.pageId, length: event.text.length });
  });
  const policy = eventHandlers("Policy").on(Added, () => look(seen.handled++));
  const store = sqlite(join(temporaryFolder(), "pages.db"), { synchronous: "NORMAL" });
  const domain = new Domain("pages", {
    elements: [Page, handlers, Length, lengths, policy],
    store,
    cachedAggregates: 0,
  });
  await domain.start();
  onTestFinished(() => domain.stop());
  for (let n = 0; n < count; n++) await domain.process(new Add({ pageId: `${n}`, text }));
  const before = heap();
  await domain.settle();
  expect(seen).toEqual({ rows: count, handled: count });
  expect(most.heap - before).toBeLessThan(45_000_000); // all are 80 million characters
});
