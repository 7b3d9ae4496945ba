import {
  Aggregate,
  Command,
  commandHandlers,
  Domain,
  Event,
  EventSourcedAggregate,
  eventHandlers,
  identifier,
  ValueObject,
} from "nereus";
import { given } from "nereus/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { everyStore } from "./support/every-store.ts";
import { RecordedLog } from "./support/places.ts";
import { refusalOf } from "./support/refusal.ts";

class Filled extends Event("Filled", { boxId: identifier(), tags: z.array(z.string()) }) {}
class Box extends EventSourcedAggregate("Box", {
  boxId: identifier(),
  tags: z.array(z.string()).default([]),
  size: z.object({ width: z.number() }).default({ width: 1 }),
  days: z.set(z.number()).default(new Set()),
  at: z.date().default(new Date(0)),
}).applies(Filled, (box, event) => {
  box.boxId = event.boxId;
  box.tags = event.tags;
  box.tags.push("applied"); // here it may be
  box.size.width += 1;
}) {
  slip(what: string): void {
    const open = this as unknown as { tags: string[]; size: Record<string, number>; days: Set<number>; at: Date };
    if (what === "push") open.tags.push("x");
    if (what === "element") open.tags[0] = "x";
    if (what === "field") open.size["width"] = 4;
    if (what === "new field") open.size["height"] = 4;
    if (what === "delete") delete open.size["width"];
    if (what === "sort") open.tags.sort();
    if (what === "set") open.days.add(1);
    if (what === "date") open.at.setTime(1);
    if (what === "other") (undefined as unknown as Date).getTime();
  }
}
const slips = ["push", "element", "field", "new field", "delete", "set", "date"];

class Shelf extends Aggregate("Shelf", { shelfId: identifier(), books: z.array(z.string()).default([]) }) {}
class Fill extends Command("Fill", { boxId: identifier() }) {}
class Slip extends Command("Slip", { boxId: identifier(), what: z.string() }) {}
class Put extends Command("Put", { shelfId: identifier() }) {}

const elements = [
  Box,
  commandHandlers(Box)
    .create(Fill, ({ boxId }) => Box.create((box) => box.raise(new Filled({ boxId, tags: ["b", "a"] }))))
    .update(Slip, (box, { what }) => box.slip(what)),
  Shelf,
  commandHandlers(Shelf).on(Put, async ({ shelfId }, { repository }) => {
    const shelf = new Shelf({ shelfId });
    shelf.books.push("x"); // outside of change()
    await repository(Shelf).add(shelf);
  }),
];

describe.each(everyStore())("on $name", (kind) => {
  test.skipIf(kind.missing !== undefined)(
    "state that a handler changes in place is refused with a code and what to do, and nothing is stored",
    async () => {
      const store = (await kind.open())();
      const domain = new Domain("boxes", { elements, store, log: new RecordedLog() });
      await domain.start();
      onTestFinished(() => domain.stop());
      await domain.process(new Fill({ boxId: "1" }));
      const head = await store.log.head();
      for (const what of slips) {
        await expect(domain.process(new Slip({ boxId: "1", what })), what).rejects.toMatchObject({
          code: "STATE_CHANGED_OUTSIDE_APPLY",
          cause: expect.any(TypeError),
          fix: expect.stringContaining(".applies"),
        });
      }
      await expect(domain.process(new Put({ shelfId: "1" }))).rejects.toMatchObject({
        code: "STATE_CHANGED_OUTSIDE_APPLY",
        fix: expect.stringContaining("change(() => …)"),
      });
      await expect(domain.process(new Slip({ boxId: "1", what: "other" }))).rejects.toBeInstanceOf(TypeError);
      expect(await store.log.head()).toBe(head);
    },
  );
});

test("a scenario says so too", async () => {
  for (const what of slips) {
    await given(Box, new Filled({ boxId: "1", tags: [] }))
      .when((box) => box.slip(what))
      .thenRejected("STATE_CHANGED_OUTSIDE_APPLY");
  }
});

test("a handler of events that changes its event in place is told so", async () => {
  const changing = eventHandlers("Changing", { run: "inline" }).on(Filled, (event) => {
    event.tags.push("x");
  });
  const { memory } = await import("nereus/memory");
  const domain = new Domain("boxes", { elements: [...elements, changing], store: memory(), log: new RecordedLog() });
  await domain.start();
  onTestFinished(() => domain.stop());
  await expect(domain.process(new Fill({ boxId: "1" }))).rejects.toMatchObject({ code: "STATE_CHANGED_OUTSIDE_APPLY" });
});

test("a value object's class inside of a Zod schema is refused with what to write", () => {
  class Money extends ValueObject("Money", { amount: z.bigint() }) {}
  const Priced = Event("Priced", { id: identifier(), prices: z.array(Money as never) });
  const error = refusalOf(() => new Priced({ id: "1", prices: [] }));
  expect(error).toMatchObject({ code: "SCHEMA_UNSUPPORTED", fix: expect.stringContaining("Money.schema()") });
});
