import { Aggregate, Entity, Event, EventSourcedAggregate, hasMany, hasOne, identifier } from "nereus";
import { expect, test } from "vitest";
import { z } from "zod";

class Tag extends Entity("Tag", { word: z.string() }, { identifiedBy: "word" }) {}
class Line extends Entity(
  "Line",
  { sku: z.string(), quantity: z.number().int(), tags: hasMany(Tag) },
  { identifiedBy: "sku" },
).invariant("quantity", "Quantity must be positive", (line) => line.quantity > 0) {}
class Order extends Aggregate("Order", { orderId: identifier(), lines: hasMany(Line), first: hasOne(Line) }) {}

const order = () =>
  new Order({
    orderId: "1",
    lines: [
      { sku: "a", quantity: 1 },
      { sku: "b", quantity: 2 },
    ],
  });
const code = (expected: string) => expect.objectContaining({ code: expected });

test("an entity whose adding was taken back may be added elsewhere", () => {
  const [one, two] = [order(), order()];
  const line = new Line({ sku: "c", quantity: 1 });
  const failing = () =>
    one.change(() => {
      one.lines.add(line);
      throw new Error("taken back");
    });
  expect(failing).toThrow("taken back");
  two.lines.add(line);
  line.quantity = 5;
  expect(two.lines.get("c").quantity).toBe(5);
  expect(one.lines.has("c")).toBe(false);
});

test("an entity that was removed is free: it changes nothing that it left, and may be added elsewhere", () => {
  const [one, two] = [order(), order()];
  const line = one.lines.get("a");
  one.lines.remove(line);
  line.quantity = 7;
  two.lines.remove("a");
  two.lines.add(line);
  expect(two.lines.get("a").quantity).toBe(7);
  expect([...one.lines].map(({ sku }) => sku)).toEqual(["b"]);
});

test("an entity is in one place of its aggregate only", () => {
  const one = order();
  expect(() => {
    one.first = one.lines.get("a");
  }).toThrow(code("ENTITY_SHARED"));
  expect(one.first).toBeUndefined();
});

test("a collection cannot be assigned, and the one in hand stays the right one", () => {
  const one = order();
  const { lines } = one;
  expect(() => Object.assign(one, { lines: [{ sku: "x", quantity: 1 }] })).toThrow(code("VALIDATION_FAILED"));
  Object.assign(one, { lines }); // itself: no change
  lines.add({ sku: "c", quantity: 3 });
  expect(one.lines.size).toBe(3);
  const line = new Line({ sku: "d", quantity: 1 });
  const { tags } = line;
  one.lines.add(line);
  tags.add({ word: "new" });
  expect(one.toJSON()["lines"]).toContainEqual({ sku: "d", quantity: 1, tags: [{ word: "new" }] });
});

test("many removals in one change cost no more than the entities there are", () => {
  const lines = Array.from({ length: 10_000 }, (_, n) => ({ sku: `s${n}`, quantity: 1 }));
  const big = new Order({ orderId: "1", lines });
  const emptied = () =>
    big.change(() => {
      for (let n = 0; n < 3000; n++) big.lines.remove(`s${n * 3}`);
      throw new Error("taken back");
    });
  expect(() => big.change(() => big.lines.remove("s1"))).not.toThrow();
  expect(big.lines.size).toBe(9999);
  expect(emptied).toThrow("taken back");
  expect([...big.lines].map(({ sku }) => sku)).toEqual(lines.map(({ sku }) => sku).filter((sku) => sku !== "s1"));
});

test("an event-sourced list cannot be changed between two events of one change", () => {
  class Tagged extends Event("Tagged", { id: identifier(), tag: z.string() }) {}
  class Note extends EventSourcedAggregate("Note", { id: identifier(), tags: z.array(z.string()).default([]) }).applies(
    Tagged,
    (note, { id, tag }) => {
      note.id = id;
      note.tags.push(tag);
    },
  ) {}
  const note = Note.create((it) => it.raise(new Tagged({ id: "1", tag: "a" })));
  const smuggle = () =>
    note.change(() => {
      note.raise(new Tagged({ id: "1", tag: "b" }));
      (note.tags as string[]).push("smuggled");
    });
  expect(smuggle).toThrow(TypeError);
  expect(note.tags).toEqual(["a"]);
});

test("what is done to an entity after its removal is taken back with the removal", () => {
  const one = order();
  const failing = () =>
    one.change(() => {
      const line = one.lines.get("a");
      one.lines.remove(line);
      line.quantity = 99;
      line.tags.add({ word: "free" });
      throw new Error("taken back");
    });
  expect(failing).toThrow("taken back");
  expect(one.lines.get("a").toJSON()).toEqual({ sku: "a", quantity: 1, tags: [] });
  one.lines.get("a").quantity = 2;
  expect(one.lines.get("a").quantity).toBe(2);
});
