import { Aggregate, Event, EventSourcedAggregate, identifier, ValueObject } from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const nested = z.object({ list: z.array(z.object({ n: z.number() })) });

test("an event is frozen all the way down through lists and objects", () => {
  class Noted extends Event("Noted", { meta: nested, rows: z.array(z.array(z.number())) }) {}
  const event = new Noted({ meta: { list: [{ n: 1 }] }, rows: [[1]] });
  expect(() => event.meta.list.push({ n: 2 })).toThrow(TypeError);
  expect(() => Object.assign(event.meta.list[0]!, { n: 2 })).toThrow(TypeError);
  expect(() => event.rows[0]!.push(2)).toThrow(TypeError);
});

test("a frozen object given as input does not hide mutable parts", () => {
  class Raw extends Event("Raw", { data: z.unknown() }) {}
  const inner = { n: 1 };
  const event = new Raw({ data: Object.freeze({ inner }) });
  try {
    inner.n = 2;
  } catch {
    // frozen in place would also do
  }
  expect((event.data as { inner: { n: number } }).inner.n).toBe(1);
});

test("making a message neither freezes nor keeps the caller's objects", () => {
  class Raw extends Event("RawInput", { data: z.unknown(), list: z.array(z.number()) }) {}
  const data = { n: 1 };
  const list = [1];
  const event = new Raw({ data, list });
  data.n = 2;
  list.push(2);
  expect(event.data).toEqual({ n: 1 });
  expect(event.list).toEqual([1]);
});

describe("dates, maps and sets, which plain freezing does not hold", () => {
  const shape = { at: z.date(), map: z.map(z.string(), z.number()), set: z.set(z.string()) };
  const input = () => ({ at: new Date(0), map: new Map([["a", 1]]), set: new Set(["a"]) });
  const tryAll = (value: { at: Date; map: Map<string, number>; set: Set<string> }): void => {
    for (const change of [() => value.at.setTime(99), () => value.map.set("b", 2), () => value.set.add("b")]) {
      try {
        change();
      } catch {
        // refusing is fine; changing a copy is fine too
      }
    }
  };

  test("cannot be changed inside an event", () => {
    class Dated extends Event("Dated", shape) {}
    const event = new Dated(input());
    tryAll(event);
    expect({ ...event }).toEqual(input());
  });

  test("cannot be changed inside a value object", () => {
    class Span extends ValueObject("Span", shape) {}
    const span = new Span(input());
    tryAll(span);
    expect(span.equals(new Span(input()))).toBe(true);
  });

  test("cannot be changed through what the caller keeps of its input", () => {
    class Kept extends Event("Kept", shape) {}
    const mine = input();
    const event = new Kept(mine);
    tryAll(mine);
    expect(event.at.getTime()).toBe(0);
    expect([event.map.size, event.set.size]).toEqual([1, 1]);
  });

  test("cannot be changed in a state-stored aggregate, and are handed out as copies", () => {
    class Diary extends Aggregate("Diary", { diaryId: identifier(), ...shape }) {}
    const diary = new Diary({ diaryId: "1", ...input() });
    tryAll(diary);
    expect({ at: diary.at, map: diary.map, set: diary.set }).toEqual(input());
  });

  test("cannot be changed inside an object of a state-stored aggregate", () => {
    class Plan extends Aggregate("Plan", { planId: identifier(), period: z.object(shape) }) {}
    const plan = new Plan({ planId: "1", period: input() });
    tryAll(plan.period);
    expect(plan.period).toEqual(input());
  });

  test("cannot be changed from outside in an event-sourced aggregate", () => {
    class Filled extends Event("Filled", { id: identifier(), ...shape }) {}
    class Box extends EventSourcedAggregate("FrozenBox", {
      id: identifier(),
      at: z.date().default(() => new Date(5)),
      map: z.map(z.string(), z.number()).default(() => new Map<string, number>()),
      set: z.set(z.string()).default(() => new Set<string>()),
      inner: z.object(shape).optional(),
    }).applies(Filled, (box, { id, ...rest }) => {
      box.id = id;
      Object.assign(box, { at: rest.at, map: rest.map, set: rest.set });
      box.inner = { at: rest.at, map: rest.map, set: rest.set };
    }) {}
    const box = Box.create((it) => it.raise(new Filled({ id: "1", ...input() })));
    tryAll(box as never);
    tryAll(box.inner as never);
    expect({ at: box.at, map: box.map, set: box.set }).toEqual(input());
    expect(box.inner).toEqual(input());
  });
});

test("lists and objects of an aggregate are frozen outside a change", () => {
  class Shelf extends Aggregate("Shelf", { shelfId: identifier(), books: z.array(z.object({ title: z.string() })) }) {}
  const shelf = new Shelf({ shelfId: "1", books: [{ title: "a" }] });
  expect(() => shelf.books.push({ title: "b" })).toThrow(TypeError);
  expect(() => Object.assign(shelf.books[0]!, { title: "b" })).toThrow(TypeError);
  shelf.change(() => {
    shelf.books.push({ title: "b" });
    shelf.books[0]!.title = "c";
  });
  expect(shelf.books).toEqual([{ title: "c" }, { title: "b" }]);
  expect(() => shelf.books.push({ title: "d" })).toThrow(TypeError);
});
