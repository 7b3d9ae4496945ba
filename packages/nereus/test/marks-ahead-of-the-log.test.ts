// What follows the log and is ahead of it: on every store, of everything that keeps a mark.
import {
  Command,
  commandHandlers,
  Domain,
  type Element,
  Event,
  EventSourcedAggregate,
  eventHandlers,
  identifier,
  Projection,
  projector,
  type Store,
} from "nereus";
import { memory } from "nereus/memory";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { frameworkKey } from "../src/application/idempotency.ts";
import { everyStore } from "./support/every-store.ts";
import { RecordedLog } from "./support/places.ts";

class Opened extends Event("Opened", { id: identifier() }) {}
class Added extends Event("Added", { id: identifier(), n: z.number() }) {}
class Account extends EventSourcedAggregate(
  "Account",
  { id: identifier(), n: z.number().default(0) },
  { snapshotEvery: 3 },
)
  .applies(Opened, (account, { id }) => {
    account.id = id;
  })
  .applies(Added, (account, { n }) => {
    account.n += n;
  }) {}
class Open extends Command("Open", { id: identifier() }) {}
class Add extends Command("Add", { id: identifier(), n: z.number() }).returns<number>() {}
const commands = commandHandlers(Account)
  .create(Open, ({ id }) => Account.create((account) => account.raise(new Opened({ id }))))
  .update(Add, (account, event) => {
    account.raise(new Added(event));
    return account.n;
  });
const model = [Account, commands];

class Row extends Projection("Row", { id: identifier(), n: z.number() }) {}
const rows = (run: "inline" | "async", version = 1) =>
  projector(Row, { run, version })
    .create(Opened, ({ id }) => ({ id, n: 0 }))
    .update(
      Added,
      ({ id }) => id,
      (row, { n }) => {
        row.n += n;
      },
    );
const mail = (run: "inline" | "async") => eventHandlers("Mail", { run }).on(Added, () => undefined);

function domainOn(store: Store, elements: readonly Element[]): Domain {
  return new Domain("test", { store, elements: [...model, ...elements], log: new RecordedLog() });
}

async function started(store: Store, elements: readonly Element[] = []): Promise<Domain> {
  const domain = domainOn(store, elements);
  await domain.start();
  onTestFinished(() => domain.stop());
  return domain;
}

/** Five events, all followed by what the elements have. */
async function fill(store: Store, elements: readonly Element[]): Promise<void> {
  const domain = domainOn(store, elements);
  await domain.start();
  await domain.process(new Open({ id: "a" }));
  for (let at = 0; at < 4; at++) await domain.process(new Add({ id: "a", n: 1 }));
  await domain.settle();
  await domain.stop();
}

async function onOpen<Result>(store: Store, work: (store: Store) => Promise<Result>): Promise<Result> {
  await store.open([]);
  const result = await work(store);
  await store.close();
  return result;
}

async function moveCheckpoint(store: Store, name: string, by: number): Promise<void> {
  await onOpen(store, async ({ records, log, commit: _ }) => {
    const [expected, head] = [await records.checkpoint(name), await log.head()];
    await store.commit({ checkpoint: { name, expected, position: head + by } });
  });
}

const kinds = everyStore().filter(({ missing }) => missing === undefined);

describe.each(kinds)("a mark ahead of the log, on $name", ({ open }) => {
  const subscriptions: readonly [string, string, readonly Element[], readonly Element[]][] = [
    ["an async projection", "projection:Row:1", [Row, rows("async")], []],
    ["a projection that was async, and is inline now", "projection:Row:1", [Row, rows("inline")], [Row, rows("async")]],
    ["event handlers", frameworkKey("events", "Mail"), [mail("async")], []],
    [
      "event handlers that were async, and are inline now",
      frameworkKey("events", "Mail"),
      [mail("inline")],
      [mail("async")],
    ],
    ["sent commands", "commands", [], []],
  ];

  test.each(subscriptions)("of %s is refused by start, and none at its end", async (_, name, elements, before) => {
    const again = await open();
    await fill(again(), before.length > 0 ? before : elements);
    await moveCheckpoint(again(), name, 0);
    const domain = domainOn(again(), elements);
    await domain.start();
    await domain.stop();
    if (before.length > 0) return; // it is at the end of time now
    await moveCheckpoint(again(), name, 1);
    await expect(domainOn(again(), elements).start()).rejects.toMatchObject({ code: "STORE_WENT_BACK", element: name });
  });

  test.each(subscriptions)("of %s is refused wherever it stands", async (_, name, elements, before) => {
    const again = await open();
    await fill(again(), before.length > 0 ? before : elements);
    await moveCheckpoint(again(), name, 1000);
    const refusal = { code: "STORE_WENT_BACK", element: name };
    await expect(domainOn(again(), elements).start()).rejects.toMatchObject(refusal);
    // a domain that does not have it is none of its concern, but for sent commands, which every domain has
    const others = domainOn(again(), []).start();
    if (name === "commands") await expect(others).rejects.toMatchObject(refusal);
    else await others;
  });

  test("is named together with all others", async () => {
    const again = await open();
    const elements = [Row, rows("async"), mail("async")];
    await fill(again(), elements);
    await moveCheckpoint(again(), "projection:Row:1", 1000);
    await moveCheckpoint(again(), frameworkKey("events", "Mail"), 2000);
    const refused = domainOn(again(), elements).start();
    await expect(refused).rejects.toThrow(
      /^Projection Row stands at position \d+; The event handlers Mail stands at position \d+;/,
    );
  });

  test("of a projection is left behind by another version of its projector", async () => {
    const again = await open();
    await fill(again(), [Row, rows("async")]);
    await moveCheckpoint(again(), "projection:Row:1", 1000);
    const domain = await started(again(), [Row, rows("async", 2)]);
    await domain.settle();
    expect((await domain.view(Row).get("a"))?.n).toBe(4);
  });

  test.each(["inline", "async"] as const)(
    "of an inline projection that another release left out is refused, %s",
    async (run) => {
      const again = await open();
      await fill(again(), [Row, rows("inline")]);
      await onOpen(again(), async (store) => {
        const note = await store.records.note("inline");
        const entries = JSON.parse(note?.data ?? "{}") as Record<string, object>;
        const gap = { after: (await store.log.head()) + 1, first: "an event that is gone" };
        const data = JSON.stringify({ ...entries, "projection:Row:1": { ...entries["projection:Row:1"], gap } });
        await store.commit({ notes: [{ name: "inline", expected: note?.revision ?? 0, data }] });
      });
      const refused = domainOn(again(), [Row, rows(run)]).start();
      await expect(refused).rejects.toMatchObject({ code: "STORE_WENT_BACK", element: "inline" });
      await started(again(), [Row, rows("inline", 2)]);
    },
  );

  test("of a runner in a running domain stops it, and nothing is passed over", async () => {
    const again = await open();
    const store = again();
    const domain = await started(store, [Row, rows("async")]);
    await domain.process(new Open({ id: "a" }));
    const position = (await store.log.head()) + 3;
    await store.commit({ checkpoint: { name: "projection:Row:1", expected: 0, position } });
    await expect(domain.settle()).rejects.toMatchObject({ code: "STORE_WENT_BACK" });
  });

  test("of a snapshot is not used: the events are read", async () => {
    const elsewhere = memory();
    const source = await started(elsewhere);
    await source.process(new Open({ id: "a" }));
    for (let at = 0; at < 7; at++) await source.process(new Add({ id: "a", n: 100 }));
    await source.settle();
    const kept = { tenant: "", kind: "snapshot", category: "Account", id: "a" } as const;
    const [snapshot] = await elsewhere.log.readStream(kept, { direction: "backwards", limit: 1 });
    if (snapshot === undefined) throw new Error("no snapshot was made");
    const again = await open();
    const first = domainOn(again(), []);
    await first.start();
    await first.process(new Open({ id: "a" }));
    await first.process(new Add({ id: "a", n: 1 }));
    await first.stop();
    const { stream, version: _, position: __, ...message } = snapshot;
    await onOpen(again(), (store) =>
      store.commit({ appends: [{ stream, expectedVersion: "any", messages: [message] }] }),
    );
    const domain = await started(again());
    expect(await domain.process(new Add({ id: "a", n: 1 }))).toBe(2);
  });
});
