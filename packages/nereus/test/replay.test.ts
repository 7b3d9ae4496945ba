import { Entity, Event, EventSourcedAggregate, hasMany, identifier, ValueObject } from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Account, accountCommands, Deposit, Open, Withdraw } from "./support/bank.ts";
import { places, RecordedLog } from "./support/places.ts";
import { script } from "./support/scripts.ts";

describe.each(places())("on $name", (kind) => {
  test("history is not validated again: events that today's rules refuse are loaded, and the broken rule is reported", async () => {
    const place = kind.open();
    const Loose = () => {
      class Priced extends Event("Priced", { id: identifier(), price: z.number(), name: z.string() }) {}
      class Item extends EventSourcedAggregate("Item", {
        id: identifier(),
        price: z.number().default(0),
        name: z.string().default(""),
      }).applies(Priced, (item, event) => void Object.assign(item, { ...event })) {}
      return { Priced, Item };
    };
    const Strict = () => {
      class Priced extends Event("Priced", {
        id: identifier(),
        price: z.number().positive(),
        name: z.string().max(3),
      }) {}
      class Item extends EventSourcedAggregate("Item", {
        id: identifier(),
        price: z.number().positive().default(1),
        name: z.string().max(3).default(""),
      })
        .applies(Priced, (item, event) => void Object.assign(item, { ...event }))
        .invariant("cheap", "Too expensive", (item) => item.price < 10) {}
      return { Priced, Item };
    };
    const old = Loose();
    const write = script(old.Item, ({ repository }) =>
      repository(old.Item).add(
        old.Item.create((item) => item.raise(new old.Priced({ id: "1", price: -5, name: "long name" }))),
      ),
    );
    const writeDear = script(old.Item, ({ repository }) =>
      repository(old.Item).add(
        old.Item.create((item) => item.raise(new old.Priced({ id: "2", price: 99, name: "x" }))),
      ),
    );
    const first = await place.start([old.Item, write.handlers, writeDear.handlers]);
    await first.process(write.command());
    await first.process(writeDear.command());

    const now = Strict();
    const log = new RecordedLog();
    const read = script(now.Item, async ({ repository }) => {
      const [one, two] = [await repository(now.Item).get("1"), await repository(now.Item).get("2")];
      return [one.price, one.name, two.price];
    });
    const second = await place.start([now.Item, read.handlers], { log });
    expect(await second.process(read.command())).toEqual([-5, "long name", 99]);
    expect(log.warnings).toHaveLength(1);
    expect(log.warnings[0]?.details).toMatchObject({ code: "INVARIANT_FAILED" });
  });

  test("a status is not held against its transitions in replay", async () => {
    const place = kind.open();
    const domain = await place.start([Account, accountCommands]);
    await domain.process(new Open({ accountId: "1" }));
    const fresh = await place.start([Account, accountCommands]);
    await fresh.process(new Deposit({ accountId: "1", amount: 1 }));
    expect(await fresh.process(new Withdraw({ accountId: "1", amount: 1 }))).toBe(0);
  });

  test("fields that hold lists, sets, maps and dates are built up by replay as they were live", async () => {
    const place = kind.open();
    class Stop extends ValueObject("Stop", { name: z.string(), at: z.date() }) {}
    class Stopped extends Event("Stopped", { tripId: identifier(), stop: Stop, tags: z.array(z.string()) }) {}
    class Bag extends Entity("Bag", { bagId: identifier(), things: z.array(z.string()).default([]) }) {}
    class Packed extends Event("Packed", { tripId: identifier(), bag: z.string(), thing: z.string() }) {}
    class Trip extends EventSourcedAggregate("Trip", {
      tripId: identifier(),
      stops: z.array(z.object({ name: z.string(), at: z.date() })).default([]),
      names: z.set(z.string()).default(() => new Set<string>()),
      visits: z.map(z.string(), z.number()).default(() => new Map<string, number>()),
      last: z.date().default(() => new Date(0)),
      meta: z
        .object({ tags: z.array(z.string()), counts: z.record(z.string(), z.number()) })
        .default({ tags: [], counts: {} }),
      bags: hasMany(Bag),
    })
      .applies(Stopped, (trip, { tripId, stop, tags }) => {
        trip.tripId = tripId;
        const { names, visits } = trip;
        trip.stops.push({ name: stop.name, at: stop.at });
        names.add(stop.name);
        visits.set(stop.name, (trip.visits.get(stop.name) ?? 0) + 1);
        trip.last.setTime(Math.max(trip.last.getTime(), stop.at.getTime()));
        trip.meta.tags.push(...tags);
        trip.meta.counts[stop.name] = trip.names.size;
        names.add(`after ${stop.name}`);
      })
      .applies(Packed, (trip, { bag, thing }) => {
        if (!trip.bags.has(bag)) trip.bags.add({ bagId: bag });
        trip.bags.get(bag).things.push(thing);
      }) {
      visit(name: string, at: number) {
        this.raise(new Stopped({ tripId: "1", stop: { name, at: new Date(at) }, tags: [name] }));
      }
    }
    const shapeOf = (trip: Trip) => ({ ...(trip.toJSON() as object) });
    const travel = script(Trip, async ({ repository }) => {
      const trip = (await repository(Trip).find("1")) ?? Trip.create(() => undefined);
      for (const [n, name] of ["Rome", "Oslo", "Rome"].entries()) trip.visit(name, n * 1000);
      trip.raise(new Packed({ tripId: "1", bag: "red", thing: "hat" }));
      trip.raise(new Packed({ tripId: "1", bag: "red", thing: "map" }));
      await repository(Trip).add(trip);
      return shapeOf(trip);
    });
    const read = script(Trip, async ({ repository }) => shapeOf(await repository(Trip).get("1")));
    const domain = await place.start([Trip, travel.handlers, read.handlers]);
    let live: object = {};
    for (let round = 0; round < 3; round++) {
      live = await domain.process(travel.command());
      const fresh = await place.start([Trip, read.handlers], { cachedAggregates: 0 });
      expect(await fresh.process(read.command())).toEqual(live);
      expect(await domain.process(read.command())).toEqual(live); // from the cache
    }
    expect(live).toMatchObject({
      last: "1970-01-01T00:00:02.000Z",
      meta: { tags: Array.from({ length: 9 }, (_, n) => ["Rome", "Oslo", "Rome"][n % 3]) },
    });
  });

  test("aggregates that start from one default do not share it in replay either", async () => {
    const place = kind.open();
    class Added extends Event("Added", { id: identifier(), name: z.string() }) {}
    class Group extends EventSourcedAggregate("Group", {
      id: identifier(),
      members: z.object({ names: z.array(z.string()) }).default({ names: [] }),
      seen: z.date().default(new Date(0)),
      flags: z.set(z.string()).default(new Set<string>()),
    }).applies(Added, (group, event) => {
      group.id = event.id;
      group.members.names.push(event.name);
      group.seen.setTime(group.seen.getTime() + 1);
      group.flags.add(event.name);
    }) {}
    const write = script(Group, async ({ repository }) => {
      for (const id of ["1", "2"])
        await repository(Group).add(Group.create((it) => it.raise(new Added({ id, name: `of ${id}` }))));
    });
    const read = script(Group, async ({ repository }) => {
      const groups = [await repository(Group).get("1"), await repository(Group).get("2")];
      return groups.map(({ members, seen, flags }) => [members.names, seen.getTime(), [...flags]]);
    });
    const expected = [
      [["of 1"], 1, ["of 1"]],
      [["of 2"], 1, ["of 2"]],
    ];
    await (await place.start([Group, write.handlers])).process(write.command());
    for (let times = 0; times < 2; times++) {
      const fresh = await place.start([Group, read.handlers], { cachedAggregates: 0 });
      expect(await fresh.process(read.command())).toEqual(expected);
      expect(await fresh.process(read.command())).toEqual(expected);
    }
  });

  test("a damaged event stops the load with its name", async () => {
    const place = kind.open();
    const store = place.store();
    await store.open([]);
    const opened = {
      type: "Opened",
      schemaVersion: 1,
      data: '{"accountId":"1","holder":"Ada"}',
      checksum: 1,
      recordedAt: 0,
      occurredAt: 0,
    };
    await store.commit({
      appends: [
        {
          stream: { tenant: "", kind: "event", category: "Account", id: "1" },
          expectedVersion: "none",
          messages: [
            {
              ...opened,
              id: "018f0000-0000-7000-8000-000000000000",
              correlationId: "c",
              causationId: null,
              traceparent: null,
              extensions: null,
            },
          ],
        },
      ],
    });
    const domain = await place.start([Account, accountCommands]);
    await expect(domain.process(new Deposit({ accountId: "1", amount: 1 }))).rejects.toMatchObject({
      code: "CHECKSUM_MISMATCH",
      element: "Opened",
    });
  });

  test("a field that an older event does not carry is absent, and one that it carries too many is dropped", async () => {
    const place = kind.open();
    const old = (() => {
      class Made extends Event("Made", { id: identifier(), gone: z.string() }) {}
      class Thing extends EventSourcedAggregate("Thing", { id: identifier() }).applies(Made, (it, event) => {
        it.id = event.id;
      }) {}
      return { Made, Thing };
    })();
    const write = script(old.Thing, ({ repository }) =>
      repository(old.Thing).add(old.Thing.create((it) => it.raise(new old.Made({ id: "1", gone: "x" })))),
    );
    await (await place.start([old.Thing, write.handlers])).process(write.command());
    class Made extends Event("Made", { id: identifier(), fresh: z.string().optional() }) {}
    class Thing extends EventSourcedAggregate("Thing", {
      id: identifier(),
      keys: z.array(z.string()).default([]),
    }).applies(Made, (it, event) => {
      it.id = event.id;
      it.keys = Object.keys(event).filter((key) => event[key as keyof typeof event] !== undefined);
    }) {}
    const read = script(Thing, async ({ repository }) => (await repository(Thing).get("1")).keys);
    expect(await (await place.start([Thing, read.handlers])).process(read.command())).toEqual(["id"]);
  });
});
