// Releases of one system that differ in their inline projections, one after the other and side by side.
import {
  Command,
  commandHandlers,
  Domain,
  type DomainOptions,
  type Element,
  Event,
  EventSourcedAggregate,
  identifier,
  Projection,
  projector,
  type Store,
} from "nereus";
import { given } from "nereus/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { everyStore } from "./support/every-store.ts";
import { RecordedLog } from "./support/places.ts";

class Opened extends Event("Opened", { id: identifier() }) {}
class Added extends Event("Added", { id: identifier(), n: z.number() }) {}
class Closed extends Event("Closed", { id: identifier() }) {}
class Account extends EventSourcedAggregate("Account", { id: identifier(), n: z.number().default(0) })
  .applies(Opened, (account, { id }) => {
    account.id = id;
  })
  .applies(Added, (account, { n }) => {
    account.n += n;
  })
  .applies(Closed, (account) => {
    account.n = 0;
  }) {}
class Open extends Command("Open", { id: identifier() }) {}
class Add extends Command("Add", { id: identifier(), n: z.number() }).returns<number>() {}
class Close extends Command("Close", { id: identifier() }) {}
class Reopen extends Command("Reopen", { id: identifier() }) {}
let handled = 0;
const commands = commandHandlers(Account)
  .create(Open, ({ id }) => Account.create((it) => it.raise(new Opened({ id }))))
  .update(Add, (account, { id, n }) => {
    handled += 1;
    account.raise(new Added({ id, n }));
    return account.n;
  })
  .update(Close, (account, { id }) => account.raise(new Closed({ id })))
  .update(Reopen, (account, { id }) => account.raise(new Opened({ id })));

class Row extends Projection("Row", { id: identifier(), n: z.number() }, { indexes: [["n"]] }) {}
const rows = (version = 1, run: "inline" | "async" = "inline") =>
  projector(Row, { run, version })
    .create(Opened, ({ id }) => ({ id, n: 0 }))
    .update(
      Added,
      ({ id }) => id,
      (row, { n }) => {
        row.n += n;
      },
    )
    .on(Closed, async ({ id }, context) => {
      await context.rows.remove(id);
    });
class Count extends Projection("Count", { kind: identifier(), n: z.number() }) {}
const counts = projector(Count, { run: "inline" }).upsert(
  Added,
  () => "added",
  () => ({ kind: "added", n: 0 }),
  (row) => {
    row.n += 1;
  },
);

const releases = {
  none: [Account, commands],
  v1: [Account, commands, Row, rows()],
  v2: [Account, commands, Row, rows(2)],
  async: [Account, commands, Row, rows(1, "async")],
  counting: [Account, commands, Count, counts],
  both: [Account, commands, Row, rows(), Count, counts],
} satisfies Record<string, readonly Element[]>;
type Release = keyof typeof releases;

/** A store whose data outlives the domains on it. */
function kept(store: Store): Store {
  if (store.name !== "memory") return store;
  const { name, capabilities, log, documents, records } = store;
  return {
    ...{ name, capabilities, log, documents, records },
    open: (collections) => store.open(collections),
    commit: (commit) => store.commit(commit),
    onCommit: (listener) => store.onCommit(listener),
    close: async () => undefined,
  };
}

async function start(
  store: Store,
  release: Release | readonly Element[],
  log = new RecordedLog(),
  more: Partial<DomainOptions> = {},
): Promise<Domain> {
  const elements = typeof release === "string" ? releases[release] : release;
  const domain = new Domain("bank", { elements, store: kept(store), log, retries: 200, ...more });
  await domain.start();
  onTestFinished(() => domain.stop());
  return domain;
}

/** A number from 0 below `below`, the same for the same seed. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe.each(everyStore().filter(({ missing }) => missing === undefined))("on $name", (kind) => {
  // Message DB looks at the register before it writes messages: what comes between is not noticed
  const isWhole = kind.name !== "message-db";

  test.each<readonly Release[]>([
    ["v1", "v2", "v1"],
    ["v1", "none", "v1"],
    ["none", "v1", "none", "v1"],
    ["v1", "async", "v1"],
    ["async", "v1", "none", "async", "v1"],
    ["v1", "counting", "both", "none", "both"],
  ])("what another release commits is in the rows once a release has them again: %s, %s, %s …", async (...order) => {
    const open = await kind.open();
    let expected = 0;
    for (const [at, release] of order.entries()) {
      const domain = await start(open(), release);
      if (at === 0) await domain.process(new Open({ id: "1" }));
      expected += 1;
      expect(await domain.process(new Add({ id: "1", n: 1 }))).toBe(expected);
      await domain.process(new Open({ id: `of ${at}` }));
      for (let before = 0; before <= at; before++) await domain.process(new Add({ id: `of ${before}`, n: 1 }));
      if (release === "async") await domain.settle();
      if (release !== "none" && release !== "counting") {
        expect((await domain.view(Row).get("1"))?.n).toBe(expected);
        expect(await domain.view(Row).count()).toBe(at + 2);
        for (let before = 0; before <= at; before++) {
          expect((await domain.view(Row).get(`of ${before}`))?.n).toBe(at - before + 1);
        }
      }
      await domain.stop();
    }
  });

  test.runIf(isWhole)(
    "two releases side by side take turns: each reads its rows complete, and all commands of both are handled once",
    async () => {
      const open = await kind.open();
      const uncached = { cachedAggregates: 0 }; // so that nothing but the register makes a commit be tried again
      const [one, two] = [
        await start(open(), "v1", new RecordedLog(), uncached),
        await start(open(), "v2", new RecordedLog(), uncached),
      ];
      await one.process(new Open({ id: "1" }));
      handled = 0;
      for (let n = 1; n <= 30; n++) {
        expect(await (n % 2 === 0 ? one : two).process(new Add({ id: "1", n: 1 }))).toBe(n);
        for (const domain of [one, two]) expect((await domain.view(Row).get("1"))?.n).toBe(n);
      }
      expect(handled).toBe(30);
    },
  );

  test.runIf(isWhole)(
    "releases that write at full speed side by side all go on, and the rows of each are right",
    async () => {
      const open = await kind.open();
      const domains = [
        await start(open(), "v1"),
        await start(open(), "v2"),
        await start(open(), "none"),
        await start(open(), "both"),
      ];
      for (let id = 0; id < 4; id++) await domains[0]?.process(new Open({ id: `${id}` }));
      await Promise.all(
        domains.map(async (domain, at) => {
          for (let n = 0; n < 20; n++) await domain.process(new Add({ id: `${(n + at) % 4}`, n: 1 }));
        }),
      );
      for (const at of [0, 1, 3]) {
        const found = (await domains[at]?.view(Row).find()) ?? [];
        expect(found.map(({ id, n }) => [id, n])).toEqual(["0", "1", "2", "3"].map((id) => [id, 20]));
      }
      expect((await domains[3]?.view(Count).get("added"))?.n).toBe(80);
    },
  );

  test.runIf(isWhole)(
    "a query of a release sees what another one has committed before, without a command between",
    async () => {
      const open = await kind.open();
      const [one, other] = [await start(open(), "v1"), await start(open(), "none")];
      await one.process(new Open({ id: "1" }));
      await other.process(new Add({ id: "1", n: 7 }));
      expect(await one.view(Row).find({ where: { n: 7 } })).toHaveLength(1);
      expect(await one.view(Row).count({ n: 0 })).toBe(0);
      await other.process(new Close({ id: "1" }));
      expect(await one.view(Row).get("1")).toBeUndefined();
      await other.process(new Reopen({ id: "1" }));
      expect(await one.view(Row).get("1")).toMatchObject({ n: 0 });
    },
  );

  test("a release that leaves a projection out says so once, and the one that catches up says so too", async () => {
    const open = await kind.open();
    const first = await start(open(), "v1");
    await first.process(new Open({ id: "1" }));
    await first.stop();
    const log = new RecordedLog();
    const second = await start(open(), "none", log);
    for (let n = 0; n < 3; n++) await second.process(new Add({ id: "1", n }));
    await second.stop();
    expect(log.warnings.map(({ message }) => message)).toEqual([expect.stringContaining("projection:Row:1")]);
    const later = new RecordedLog();
    await (await start(open(), "v1", later)).stop();
    expect(later.warnings.map(({ message }) => message)).toEqual([expect.stringContaining("inline Row")]);
    const last = new RecordedLog();
    await start(open(), "v1", last);
    expect(last.warnings).toEqual([]);
  });

  test("a projection that nobody has any more costs no commit anything after the first", async () => {
    const open = await kind.open();
    const first = await start(open(), "v1");
    await first.process(new Open({ id: "1" }));
    await first.stop();
    const store = open();
    const domain = await start(store, "none");
    await domain.process(new Add({ id: "1", n: 1 }));
    const revision = (await store.records.note("inline"))?.revision;
    for (let n = 0; n < 5; n++) await domain.process(new Add({ id: "1", n: 1 }));
    expect((await store.records.note("inline"))?.revision).toBe(revision);
  });

  test("events of every tenant that another release committed are in the rows of that tenant", async () => {
    const open = await kind.open();
    const [one, other] = [await start(open(), "v1"), await start(open(), "none")];
    for (const tenant of ["a", "b"]) {
      await one.process(new Open({ id: "1" }), { tenant });
      await other.process(new Add({ id: "1", n: tenant === "a" ? 1 : 2 }), { tenant });
    }
    await one.process(new Add({ id: "1", n: 10 }), { tenant: "a" });
    expect([
      await one.view(Row, { tenant: "a" }).get("1"),
      await one.view(Row, { tenant: "b" }).get("1"),
    ]).toMatchObject([{ n: 11 }, { n: 2 }]);
  });

  test("a database from before there was a register is taken over: its rows are not applied again", async () => {
    const open = await kind.open();
    const store = open();
    await store.open([]);
    await store.commit({ checkpoint: { name: "projection:Row:1", expected: 0, position: Number.MAX_SAFE_INTEGER } });
    if (kind.name !== "memory") await store.close();
    const domain = await start(open(), "v1");
    await domain.process(new Open({ id: "1" }));
    await domain.process(new Add({ id: "1", n: 1 }));
    await domain.stop();
    expect((await (await start(open(), "v1")).view(Row).get("1"))?.n).toBe(1);
  });

  test("what a crash leaves of catching up is gone on with", async () => {
    const open = await kind.open();
    const first = await start(open(), "v1");
    await first.process(new Open({ id: "1" }));
    await first.stop();
    const second = await start(open(), "none");
    for (let n = 1; n <= 3; n++) await second.process(new Add({ id: "1", n: 1 }));
    await second.stop();
    for (let allowed = 0; allowed < 6; allowed++) {
      const store = open();
      let left = allowed;
      const { name, capabilities, log: messages, documents, records } = store;
      const dying: Store = {
        ...{ name, capabilities, log: messages, documents, records },
        open: (collections) => store.open(collections),
        onCommit: (listener) => store.onCommit(listener),
        commit: (one) => (left-- > 0 ? store.commit(one) : Promise.reject(new Error("crashed"))),
        close: () => kept(store).close(),
      };
      const log = new RecordedLog();
      const crashing = new Domain("bank", { elements: releases.v1, store: dying, log });
      await crashing.start().catch(() => undefined);
      await crashing.stop();
      await kept(store).close();
    }
    const last = await start(open(), "v1");
    expect((await last.view(Row).get("1"))?.n).toBe(3);
    await last.process(new Add({ id: "1", n: 1 }));
    expect((await last.view(Row).get("1"))?.n).toBe(4);
  });

  test("an event that the projector cannot apply is reported, and holds up no command of this release", async () => {
    const open = await kind.open();
    const strict = projector(Row, { run: "inline" })
      .create(Opened, ({ id }) => ({ id, n: 0 }))
      .update(
        Added,
        ({ id }) => id,
        (row, { n }) => {
          if (n === 13) throw new Error("unlucky");
          row.n += n;
        },
      );
    const log = new RecordedLog();
    const elements = [Account, commands, Row, strict];
    const [one, other] = [await start(open(), elements, log), await start(open(), "none")];
    await one.process(new Open({ id: "1" }));
    await other.process(new Add({ id: "1", n: 13 }));
    expect(await one.process(new Add({ id: "1", n: 1 }))).toBe(14);
    expect(await one.process(new Add({ id: "1", n: 1 }))).toBe(15);
    await expect(one.view(Row).get("1")).rejects.toMatchObject({ code: "PROJECTION_FAILED", element: "Row" });
    expect(log.errors.map(({ message }) => message)).toEqual([expect.stringContaining("cannot be brought up to date")]);
    const again = await start(open(), elements); // it starts none the less
    expect(await again.process(new Add({ id: "1", n: 1 }))).toBe(16);
    const mended = await start(open(), "v1");
    expect((await mended.view(Row).get("1"))?.n).toBe(16);
  });

  test("a projector that has no step for an event of the rows leaves it to a release that has one", async () => {
    const open = await kind.open();
    const fewer = projector(Row, { run: "inline" })
      .create(Opened, ({ id }) => ({ id, n: 0 }))
      .update(
        Added,
        ({ id }) => id,
        (row, { n }) => {
          row.n += n;
        },
      );
    const full = await start(open(), "v1");
    await full.process(new Open({ id: "1" }));
    const log = new RecordedLog();
    const less = await start(open(), [Account, commands, Row, fewer], log);
    expect(log.warnings.map(({ message }) => message)).toEqual([expect.stringContaining("Closed")]);
    await less.process(new Add({ id: "1", n: 1 }));
    expect(await less.view(Row).get("1")).toMatchObject({ n: 1 });
    await less.process(new Close({ id: "1" }));
    await expect(less.view(Row).get("1")).rejects.toMatchObject({ code: "PROJECTION_FAILED" });
    expect(await full.view(Row).get("1")).toBeUndefined();
  });

  test.runIf(isWhole)("a command that repeats has its first answer, whatever the register says by then", async () => {
    const open = await kind.open();
    const [one, other] = [await start(open(), "v1"), await start(open(), "none")];
    await one.process(new Open({ id: "1" }));
    const once = new Add({ id: "1", n: 5 });
    expect(await one.process(once, { idempotencyKey: "k" })).toBe(5);
    await other.process(new Add({ id: "1", n: 1 }));
    expect(await one.process(once, { idempotencyKey: "k" })).toBe(5);
    expect((await one.view(Row).get("1"))?.n).toBe(6);
  });

  test("given events and sent commands are writers like any other", async () => {
    const open = await kind.open();
    const [one, other] = [await start(open(), "v1"), await start(open(), "none")];
    await given(other, new Opened({ id: "1" }), new Added({ id: "1", n: 2 }));
    await other.send(new Add({ id: "1", n: 3 }));
    await other.settle();
    expect((await one.view(Row).get("1"))?.n).toBe(5);
    await given(one, new Added({ id: "1", n: 1 }));
    expect((await one.view(Row).get("1"))?.n).toBe(6);
  });

  test.each([1, 2, 3])(
    "any order of starts, stops and commands of all releases ends with the right rows (seed %i)",
    async (seed) => {
      const pick = random(seed);
      const open = await kind.open();
      const running: { domain: Domain; release: Release }[] = [];
      const model = new Map<string, number>();
      const names = Object.keys(releases) as Release[];
      for (let step = 0; step < 50; step++) {
        const what = pick(10);
        if (running.length === 0 || (what === 0 && running.length < 4)) {
          const release = names[pick(names.length)] as Release;
          running.push({ domain: await start(open(), release), release });
          continue;
        }
        const at = pick(running.length);
        const { domain, release } = running[at] as (typeof running)[number];
        if (what === 1) {
          await domain.stop();
          running.splice(at, 1);
        } else if (what === 2) {
          const id = `${model.size}`;
          await domain.process(new Open({ id }));
          model.set(id, 0);
        } else if (what === 3 && release !== "none" && release !== "counting") {
          if (release === "async") await domain.settle();
          const found = (await domain.view(Row).find()).map(({ id, n }) => [id, n]);
          expect(new Map(found as [string, number][])).toEqual(model);
        } else if (model.size > 0) {
          const id = `${pick(model.size)}`;
          model.set(id, (model.get(id) ?? 0) + 1);
          expect(await domain.process(new Add({ id, n: 1 }))).toBe(model.get(id));
        }
      }
      for (const release of ["v1", "v2", "both"] as const) {
        const last = await start(open(), release);
        const found = (await last.view(Row).find()).map(({ id, n }) => [id, n]);
        expect(new Map(found as [string, number][])).toEqual(model);
      }
    },
  );
});
