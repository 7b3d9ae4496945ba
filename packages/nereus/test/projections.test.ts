import {
  Command,
  commandHandlers,
  type Domain,
  type Element,
  Event,
  EventSourcedAggregate,
  identifier,
  Projection,
  projector,
} from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { counting } from "./support/counting-store.ts";
import { storedMessages } from "./support/log.ts";
import { type Place, places, RecordedLog } from "./support/places.ts";

class ItemAdded extends Event("ItemAdded", { itemId: identifier(), list: z.string(), amount: z.number().int() }) {}
class ItemMoved extends Event("ItemMoved", { itemId: identifier(), list: z.string(), amount: z.number().int() }) {}
class ItemRemoved extends Event("ItemRemoved", { itemId: identifier() }) {}
class Noise extends Event("Noise", { itemId: identifier() }) {}

class Item extends EventSourcedAggregate("Item", { itemId: identifier(), moves: z.number().default(0) })
  .applies(ItemAdded, (item, event) => {
    item.itemId = event.itemId;
  })
  .applies(ItemMoved, (item) => {
    item.moves += 1;
  })
  .applies(ItemRemoved, () => undefined)
  .applies(Noise, () => undefined) {}

class Add extends Command("Add", {
  itemId: identifier(),
  list: z.string().default("A"),
  amount: z.number().default(1),
}).returns<string>() {}
class Move extends Command("Move", {
  itemId: identifier(),
  list: z.string().default("A"),
  amount: z.number().default(1),
}) {}
class Remove extends Command("Remove", { itemId: identifier() }) {}
class MakeNoise extends Command("MakeNoise", { itemId: identifier() }) {}
const commands = commandHandlers(Item)
  .create(Add, (command) => Item.create((item) => item.raise(new ItemAdded({ ...command }))))
  .update(Move, (item, command) => item.raise(new ItemMoved({ ...command })))
  .update(Remove, (item, { itemId }) => item.raise(new ItemRemoved({ itemId })))
  .update(MakeNoise, (item, { itemId }) => item.raise(new Noise({ itemId })));

const rowShape = {
  itemId: identifier(),
  list: z.string(),
  amount: z.number().int().max(1000),
  moves: z.number().default(0),
};
class Row extends Projection("Row", rowShape, { indexes: [["list"]] }) {}
/** One row per list, which many items share. */
class Total extends Projection("Total", { list: identifier(), sum: z.number(), count: z.number() }) {}

const runs = ["inline", "async"] as const;
const rowsOf = (run: (typeof runs)[number]) =>
  projector(Row, { run })
    .create(ItemAdded, ({ itemId, list, amount }) => ({ itemId, list, amount }))
    .update(
      ItemMoved,
      (event) => event.itemId,
      (row, event) => {
        row.list = event.list;
        row.amount += event.amount;
        row.moves += 1;
      },
    )
    .remove(ItemRemoved, (event) => event.itemId);
const totalsOf = (run: (typeof runs)[number]) =>
  projector(Total, { run })
    .upsert(
      ItemAdded,
      (event) => event.list,
      ({ list }) => ({ list, sum: 0, count: 0 }),
      (row, event) => {
        row.sum += event.amount;
        row.count += 1;
      },
    )
    .upsert(
      ItemMoved,
      (event) => event.list,
      ({ list }) => ({ list, sum: 0, count: 0 }),
      (row, event) => {
        row.sum += event.amount;
        row.count += 1;
      },
    );

const total = async (domain: Domain, list = "A") => {
  const row = await domain.view(Total).get(list);
  return row === undefined ? undefined : { sum: row.sum, count: row.count };
};

describe.each(places())("on $name", (kind) => {
  describe.each(runs)("%s", (run) => {
    const start = (place: Place, more: object = {}) =>
      place.start([Item, commands, Row, rowsOf(run), Total, totalsOf(run)], more);

    test("rows are created, changed, made where they are missing, and removed", async () => {
      const domain = await start(kind.open());
      await domain.process(new Add({ itemId: "1", amount: 5 }));
      await domain.process(new Move({ itemId: "1", list: "B", amount: 2 }));
      await domain.process(new Add({ itemId: "2", list: "B" }));
      await domain.process(new MakeNoise({ itemId: "1" }));
      await domain.settle();
      expect({ ...(await domain.view(Row).get("1")) }).toEqual({ itemId: "1", list: "B", amount: 7, moves: 1 });
      expect(await domain.view(Row).get("1")).toBeInstanceOf(Row);
      expect([await total(domain, "A"), await total(domain, "B"), await total(domain, "C")]).toEqual([
        { sum: 5, count: 1 },
        { sum: 3, count: 2 },
        undefined,
      ]);
      await domain.process(new Remove({ itemId: "1" }));
      await domain.settle();
      expect(await domain.view(Row).get("1")).toBeUndefined();
      expect(await domain.view(Row).count()).toBe(1);
    });

    test("one step after another for one event, in the order in which they were given", async () => {
      const place = kind.open();
      const steps = projector(Row, { run })
        .create(ItemAdded, ({ itemId, list, amount }) => ({ itemId, list, amount }))
        .update(
          ItemAdded,
          (event) => event.itemId,
          (row) => {
            row.amount *= 10;
          },
        )
        .update(
          ItemAdded,
          (event) => event.itemId,
          (row) => {
            row.amount += 1;
          },
        );
      const domain = await place.start([Item, commands, Row, steps]);
      await domain.process(new Add({ itemId: "1", amount: 2 }));
      await domain.settle();
      expect((await domain.view(Row).get("1"))?.amount).toBe(21);
    });

    test(".on may get, create, change and remove any rows, and knows the event's metadata", async () => {
      const place = kind.open();
      const byHand = projector(Row, { run })
        .on(ItemAdded, async (event, { rows, metadata }) => {
          expect(metadata).toMatchObject({ category: "Item", streamId: event.itemId, tenant: "t", version: 0 });
          expect(metadata.recordedAt).toEqual(new Date(5));
          for (const copy of ["a", "b"]) {
            const row = await rows.create({ itemId: event.itemId + copy, list: event.list, amount: event.amount });
            row.moves = 7;
          }
          expect(await rows.get("nobody")).toBeUndefined();
        })
        .on(ItemMoved, async (event, { rows }) => {
          const row = await rows.get(`${event.itemId}a`);
          row!.amount += event.amount;
          await rows.remove(`${event.itemId}b`);
        });
      const domain = await place.start([Item, commands, Row, byHand], { clock: { now: () => new Date(5) } });
      await domain.process(new Add({ itemId: "1" }), { tenant: "t" });
      await domain.process(new Move({ itemId: "1", amount: 9 }), { tenant: "t" });
      await domain.settle();
      const found = await domain.view(Row, { tenant: "t" }).find();
      expect(found.map((row) => ({ ...row }))).toEqual([{ itemId: "1a", list: "A", amount: 10, moves: 7 }]);
    });

    test("a row belongs to its tenant", async () => {
      const domain = await start(kind.open());
      for (const tenant of ["a", "b", ""])
        await domain.process(new Add({ itemId: "1", amount: tenant.length + 1 }), { tenant });
      await domain.process(new Move({ itemId: "1", amount: 10 }), { tenant: "a" });
      await domain.settle();
      for (const [tenant, amount] of [
        ["a", 12],
        ["b", 2],
        ["", 1],
      ] as const) {
        expect((await domain.view(Row, { tenant }).get("1"))?.amount).toBe(amount);
        expect(await domain.view(Row, { tenant }).count()).toBe(1);
      }
      expect(await domain.view(Row, { tenant: "c" }).find()).toEqual([]);
    });

    test("rows that a caller changes are its own", async () => {
      const domain = await start(kind.open());
      await domain.process(new Add({ itemId: "1", amount: 1 }));
      await domain.settle();
      const row = await domain.view(Row).get("1");
      row!.amount = 99;
      expect((await domain.view(Row).get("1"))?.amount).toBe(1);
      await domain.process(new Move({ itemId: "1", amount: 1 }));
      await domain.settle();
      expect((await domain.view(Row).get("1"))?.amount).toBe(2);
    });
  });

  describe("inline", () => {
    test("rows are there when the command returns, and are in its transaction", async () => {
      const place = kind.open();
      const store = counting(place.store());
      const domain = await place.start([Item, commands, Row, rowsOf("inline"), Total, totalsOf("inline")], { store });
      let writes: string[] = [];
      store.beforeCommit = ({ documents = [] }) => {
        writes = documents.map(({ collection, id }) => `${collection} ${id}`);
      };
      await domain.process(new Add({ itemId: "1" }));
      expect(writes.sort()).toEqual(["Row 1", "Total A"]);
      expect((await domain.view(Row).get("1"))?.amount).toBe(1);
    });

    test("a projector that fails refuses the command: neither events nor rows are stored", async () => {
      const place = kind.open();
      const failing = projector(Row, { run: "inline" }).create(ItemAdded, ({ itemId, list, amount }) => {
        if (amount === 13) throw new Error("unlucky");
        return { itemId, list, amount };
      });
      const domain = await place.start([Item, commands, Total, totalsOf("inline"), Row, failing]);
      await expect(domain.process(new Add({ itemId: "1", amount: 13 }))).rejects.toThrow("unlucky");
      expect(await storedMessages(place)).toEqual([]);
      expect(await total(domain)).toBeUndefined();
      await domain.process(new Add({ itemId: "1", amount: 12 }));
      expect(await total(domain)).toEqual({ sum: 12, count: 1 });
    });

    test("a row that does not fit its shape, is there already, or is missing refuses the command", async () => {
      const place = kind.open();
      const double = projector(Row, { run: "inline" })
        .create(ItemAdded, ({ list, amount }) => ({ itemId: "same", list, amount }))
        .update(
          ItemMoved,
          () => "other",
          () => {},
        )
        .remove(ItemRemoved, () => "other");
      const domain = await place.start([Item, commands, Row, double]);
      await domain.process(new Add({ itemId: "1" }));
      await expect(domain.process(new Add({ itemId: "2" }))).rejects.toMatchObject({ code: "PROJECTION_ROW_EXISTS" });
      await expect(domain.process(new Add({ itemId: "3", amount: 5000 }))).rejects.toMatchObject({
        code: "VALIDATION_FAILED",
      });
      await expect(domain.process(new Move({ itemId: "1" }))).rejects.toMatchObject({ code: "PROJECTION_ROW_MISSING" });
      await expect(domain.process(new Remove({ itemId: "1" }))).rejects.toMatchObject({
        code: "PROJECTION_ROW_MISSING",
      });
      expect(await storedMessages(place)).toHaveLength(1);
    });

    test("commands that meet in one row are tried again until all are in it, also from two processes", async () => {
      const place = kind.open();
      const elements = [Item, commands, Total, totalsOf("inline")];
      const domains = [await place.start(elements, { retries: 100 }), await place.start(elements, { retries: 100 })];
      await Promise.all(
        Array.from({ length: 32 }, (_, n) => domains[n % 2]!.process(new Add({ itemId: `${n}`, amount: n }))),
      );
      expect(await total(domains[0]!)).toEqual({ sum: 496, count: 32 });
      expect(await storedMessages(place)).toHaveLength(32);
    });

    test("visibleIn has nothing to wait for", async () => {
      const domain = await kind.open().start([Item, commands, Total, totalsOf("inline")]);
      await domain.process(new Add({ itemId: "1" }), { visibleIn: [Total] });
      expect(await total(domain)).toEqual({ sum: 1, count: 1 });
    });
  });

  describe("async", () => {
    const start = (place: Place, more: object = {}) =>
      place.start([Item, commands, Row, rowsOf("async"), Total, totalsOf("async")], more);

    test("rows come with settle, not with the command", async () => {
      const domain = await start(kind.open());
      await domain.process(new Add({ itemId: "1" }));
      expect(await domain.view(Row).get("1")).toBeUndefined();
      await domain.settle();
      await domain.settle();
      expect(await total(domain)).toEqual({ sum: 1, count: 1 });
    });

    test("visibleIn returns when the projection shows what the command did", async () => {
      const domain = await start(kind.open());
      for (let n = 1; n <= 5; n++) {
        await domain.process(new Add({ itemId: `${n}` }), { visibleIn: [Row, Total] });
        expect(await total(domain)).toEqual({ sum: n, count: n });
        expect(await domain.view(Row).count()).toBe(n);
      }
      await Promise.all(
        Array.from({ length: 16 }, async (_, n) => {
          await domain.process(new Add({ itemId: `c${n}` }), { visibleIn: [Row] });
          expect(await domain.view(Row).get(`c${n}`)).toBeDefined();
        }),
      );
    });

    test("events are projected in the order of the log, and only those the projector takes", async () => {
      const place = kind.open();
      const seen: string[] = [];
      const watching = projector(Row, { run: "async" })
        .on(ItemAdded, async (event, { metadata }) => void seen.push(`${event.itemId}@${metadata.version}`))
        .on(ItemMoved, async (event, { metadata }) => void seen.push(`${event.itemId}@${metadata.version}`));
      const domain = await place.start([Item, commands, Row, watching]);
      for (let n = 0; n < 50; n++) await domain.process(new Add({ itemId: `${n}` }));
      for (let n = 0; n < 50; n += 2) await domain.process(new MakeNoise({ itemId: `${n}` }));
      for (let n = 49; n >= 0; n--) await domain.process(new Move({ itemId: `${n}` }));
      await domain.settle();
      const expected = Array.from({ length: 50 }, (_, n) => `${n}@0`);
      for (let n = 49; n >= 0; n--) expected.push(`${n}@${n % 2 === 0 ? 2 : 1}`);
      expect(seen).toEqual(expected);
    });

    test("many events are few transactions: in each a row is written once, with the checkpoint", async () => {
      const place = kind.open();
      const store = counting(place.store());
      const domain = await place.start([Item, commands, Total, totalsOf("async")], { store });
      for (let n = 0; n < 300; n++) await domain.process(new Add({ itemId: `${n}` }));
      const commits: { rows: number; checkpoint: boolean }[] = [];
      store.beforeCommit = ({ documents = [], checkpoint }) => {
        commits.push({ rows: documents.length, checkpoint: checkpoint !== undefined });
      };
      await domain.settle();
      expect(commits.length).toBeLessThan(5);
      expect(commits).toEqual(commits.map(() => ({ rows: 1, checkpoint: true })));
      expect(await total(domain)).toEqual({ sum: 300, count: 300 });
    });

    test("another process goes on from the checkpoint, and two at once count nothing twice", async () => {
      const place = kind.open();
      const first = await start(place);
      for (let n = 0; n < 20; n++) await first.process(new Add({ itemId: `a${n}` }));
      await first.settle();
      const second = await start(place);
      for (let n = 0; n < 20; n++) await second.process(new Add({ itemId: `b${n}` }));
      await Promise.all([first.settle(), second.settle(), first.settle(), second.settle()]);
      expect(await total(first)).toEqual({ sum: 40, count: 40 });
      expect(await first.view(Row).count()).toBe(40);
    });

    test("a failing projector stops before its event: earlier events are in, later ones wait, and it goes on once mended", async () => {
      const place = kind.open();
      let broken = true;
      const fragile = projector(Total, { run: "async" }).upsert(
        ItemAdded,
        (event) => event.list,
        ({ list }) => ({ list, sum: 0, count: 0 }),
        (row, event) => {
          row.sum += event.amount;
          row.count += 1;
          if (broken && event.amount === 13) throw new Error("unlucky");
        },
      );
      const domain = await place.start([Item, commands, Row, rowsOf("async"), Total, fragile]);
      for (let n = 1; n <= 20; n++) await domain.process(new Add({ itemId: `${n}`, amount: n }));
      for (let times = 0; times < 3; times++) {
        await expect(domain.settle()).rejects.toMatchObject({
          code: "PROJECTION_FAILED",
          element: "Total",
          message: expect.stringContaining("unlucky"),
          cause: expect.objectContaining({ message: "unlucky" }),
        });
        expect(await total(domain)).toEqual({ sum: 78, count: 12 });
      }
      const waiting = domain.process(new Add({ itemId: "21", amount: 21 }), { visibleIn: [Total] });
      await expect(waiting).rejects.toMatchObject({ code: "VISIBILITY_FAILED", cause: { code: "PROJECTION_FAILED" } });
      expect(await storedMessages(place)).toHaveLength(21); // the command itself is stored
      await domain.process(new Add({ itemId: "22", amount: 22 }), { visibleIn: [Row] }); // others are not held up
      broken = false;
      await domain.settle();
      expect(await total(domain)).toEqual({ sum: 253, count: 22 });
    });

    test.each<[string, Element]>([
      [
        "a key that throws",
        projector(Total, { run: "async" }).upsert(
          ItemAdded,
          (event) => {
            if (event.amount === 13) throw new Error("bad");
            return event.list;
          },
          ({ list }) => ({ list, sum: 0, count: 0 }),
          (row, event) => {
            row.sum += event.amount;
            row.count += 1;
          },
        ),
      ],
      [
        "a row that does not fit its shape",
        projector(Total, { run: "async" }).upsert(
          ItemAdded,
          (event) => event.list,
          ({ list }) => ({ list, sum: 0, count: 0 }),
          (row, event) => {
            row.sum += event.amount;
            row.count += 1;
            if (event.amount === 13) row.sum = "no number" as never;
          },
        ),
      ],
      [
        "a row whose identity is changed",
        projector(Total, { run: "async" }).upsert(
          ItemAdded,
          (event) => event.list,
          ({ list }) => ({ list, sum: 0, count: 0 }),
          (row, event) => {
            row.sum += event.amount;
            row.count += 1;
            if (event.amount === 13) row.list = "B";
          },
        ),
      ],
      [
        "a row that is missing",
        projector(Total, { run: "async" })
          .upsert(
            ItemAdded,
            (event) => event.list,
            ({ list }) => ({ list, sum: 0, count: 0 }),
            (row, event) => {
              row.sum += event.amount;
              row.count += 1;
            },
          )
          .on(ItemAdded, async (event, { rows }) => {
            if (event.amount === 13) await rows.remove("nobody");
          }),
      ],
    ])(
      "%s fails at its event too, with the rows as of the event before, however often it is tried",
      async (_, fragile) => {
        const domain = await kind.open().start([Item, commands, Total, fragile]);
        for (let n = 11; n <= 15; n++) await domain.process(new Add({ itemId: `${n}`, amount: n }));
        for (let times = 0; times < 3; times++) {
          await expect(domain.settle()).rejects.toMatchObject({ code: "PROJECTION_FAILED", element: "Total" });
          expect(await total(domain)).toEqual({ sum: 23, count: 2 });
        }
      },
    );

    test("a batch whose commit fails is applied again, and nothing counts twice", async () => {
      const place = kind.open();
      const store = counting(place.store());
      const domain = await place.start([Item, commands, Total, totalsOf("async")], { store });
      for (let n = 0; n < 10; n++) await domain.process(new Add({ itemId: `${n}` }));
      await domain.settle();
      for (let n = 10; n < 20; n++) await domain.process(new Add({ itemId: `${n}` }));
      store.beforeCommit = () => {
        throw new Error("disk on fire");
      };
      for (let times = 0; times < 2; times++) await expect(domain.settle()).rejects.toThrow("disk on fire");
      store.beforeCommit = undefined;
      await domain.settle();
      expect(await total(domain)).toEqual({ sum: 20, count: 20 });
    });

    test("an unknown projection cannot be waited for or viewed", async () => {
      const domain = await kind.open().start([Item, commands]);
      await expect(domain.process(new Add({ itemId: "1" }), { visibleIn: [Row] })).rejects.toMatchObject({
        code: "UNKNOWN_PROJECTION",
      });
      expect(() => domain.view(Row)).toThrow(expect.objectContaining({ code: "UNKNOWN_PROJECTION" }));
    });

    test("a new version of the projector starts again from the first event", async () => {
      const place = kind.open();
      const counted: number[] = [];
      const version = (number: number) =>
        projector(Row, { run: "async", version: number }).on(ItemAdded, async () => void counted.push(number));
      const first = await place.start([Item, commands, Row, version(1)]);
      for (let n = 0; n < 3; n++) await first.process(new Add({ itemId: `${n}` }));
      await first.settle();
      const same = await place.start([Item, commands, Row, version(1)]);
      await same.settle();
      const second = await place.start([Item, commands, Row, version(2)]);
      await second.settle();
      expect(counted).toEqual([1, 1, 1, 2, 2, 2]);
    });

    test("more events than a batch holds are all projected", async () => {
      const place = kind.open();
      const bulk = commandHandlers(Item).create(Add, (command) =>
        Item.create((item) => {
          item.raise(new ItemAdded({ ...command }));
          for (let n = 0; n < 2500; n++) item.raise(new ItemMoved({ ...command }));
        }),
      );
      const domain = await place.start([Item, bulk, Total, totalsOf("async")]);
      await domain.process(new Add({ itemId: "1" }), { visibleIn: [Total] });
      expect(await total(domain)).toEqual({ sum: 2501, count: 2501 });
    });
  });

  describe("an engine", () => {
    const until = async (condition: () => Promise<boolean>): Promise<void> => {
      while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
    };

    test("keeps projections up to date while it runs, and not after stop", async () => {
      const place = kind.open();
      const domain = await place.start([Item, commands, Total, totalsOf("async")]);
      const engine = domain.engine();
      await engine.start();
      await engine.start(); // changes nothing
      await domain.process(new Add({ itemId: "1" }));
      await until(async () => (await total(domain))?.count === 1);
      await engine.stop();
      await engine.stop();
      await domain.process(new Add({ itemId: "2" }));
      expect(await total(domain)).toEqual({ sum: 1, count: 1 });
      await engine.start();
      await until(async () => (await total(domain))?.count === 2);
    });

    test("finds the events that another process has committed", async () => {
      const place = kind.open();
      const follower = await place.start([Item, commands, Total, totalsOf("async")]);
      const writer = await place.start([Item, commands]);
      await follower.engine().start();
      await writer.process(new Add({ itemId: "1" }));
      await until(async () => (await total(follower))?.count === 1);
    });

    test("reports a projection that fails, keeps the others going, and resumes it once it is mended", async () => {
      const place = kind.open();
      const log = new RecordedLog();
      let broken = true;
      const fragile = projector(Row, { run: "async" }).create(ItemAdded, ({ itemId, list, amount }) => {
        if (broken) throw new Error("not yet");
        return { itemId, list, amount };
      });
      const domain = await place.start([Item, commands, Row, fragile, Total, totalsOf("async")], { log });
      await domain.engine().start();
      await domain.process(new Add({ itemId: "1" }));
      await until(async () => (await total(domain))?.count === 1 && log.errors.length > 0);
      expect(log.errors[0]?.details).toMatchObject({ code: "PROJECTION_FAILED", element: "Row" });
      expect(await domain.view(Row).get("1")).toBeUndefined();
      broken = false;
      await until(async () => (await domain.view(Row).get("1")) !== undefined);
    });

    test("two engines of two processes count every event once", async () => {
      const place = kind.open();
      const domains = await Promise.all([0, 1].map(() => place.start([Item, commands, Total, totalsOf("async")])));
      for (const domain of domains) await domain.engine().start();
      for (let n = 0; n < 100; n++) await domains[n % 2]!.process(new Add({ itemId: `${n}` }));
      await until(async () => (await total(domains[0]!))?.count === 100);
      await Promise.all(domains.map((domain) => domain.settle()));
      expect(await total(domains[1]!)).toEqual({ sum: 100, count: 100 });
    });

    test("stops with its domain, without waiting for the next look at the log", async () => {
      const place = kind.open();
      const domain = await place.start([Item, commands, Total, totalsOf("async")]);
      await domain.engine().start();
      await domain.stop();
      await domain.stop();
      expect(() => domain.engine()).toThrow(expect.objectContaining({ code: "DOMAIN_NOT_STARTED" }));
    });
  });
});
