// What becomes of the rows of an inline projection when its projector changes, moves or is damaged between releases.
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
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { everyStore } from "./support/every-store.ts";
import { RecordedLog } from "./support/places.ts";

class Opened extends Event("Opened", { id: identifier(), mail: z.string().default("") }) {}
class Added extends Event("Added", { id: identifier(), n: z.number() }) {}
class Account extends EventSourcedAggregate("Account", { id: identifier(), n: z.number().default(0) })
  .applies(Opened, (account, { id }) => {
    account.id = id;
  })
  .applies(Added, (account, { n }) => {
    account.n += n;
  }) {}
class Open extends Command("Open", { id: identifier(), mail: z.string().default("") }) {}
class Add extends Command("Add", { id: identifier(), n: z.number() }) {}
const commands = commandHandlers(Account)
  .create(Open, ({ id, mail }) => Account.create((it) => it.raise(new Opened({ id, mail }))))
  .update(Add, (account, event) => account.raise(new Added(event)));
const model = [Account, commands];

const fields = { id: identifier(), n: z.number() };
class Row extends Projection("Row", fields) {}
class Renamed extends Projection("Renamed", fields) {}
const accountOf = ({ id }: { readonly id: string }): string => id;
const rows = (run: "inline" | "async") =>
  projector(Row, { run })
    .create(Opened, ({ id }) => ({ id, n: 0 }))
    .update(Added, accountOf, (row, { n }) => {
      row.n += n;
    });
const renamed = projector(Renamed, { run: "inline" })
  .create(Opened, ({ id }) => ({ id, n: 0 }))
  .update(Added, accountOf, (row, { n }) => {
    row.n += n;
  });
const openedOnly = projector(Row, { run: "inline" }).create(Opened, ({ id }) => ({ id, n: 0 }));
class Mail extends Projection("Mail", { id: identifier(), mail: z.string() }, { unique: [["mail"]] }) {}
const mails = projector(Mail, { run: "inline" }).create(Opened, ({ id, mail }) => ({ id, mail }));

function domainOn(store: Store, elements: readonly Element[], more: Partial<DomainOptions> = {}): Domain {
  return new Domain("bank", {
    store,
    elements: [...model, ...elements],
    log: new RecordedLog(),
    retries: 500,
    ...more,
  });
}

async function start(store: Store, elements: readonly Element[], more: Partial<DomainOptions> = {}): Promise<Domain> {
  const domain = domainOn(store, elements, more);
  await domain.start();
  onTestFinished(() => domain.stop());
  return domain;
}

// Message DB looks at the register before it writes messages: what comes between is not noticed
const kinds = everyStore().filter(({ name, missing }) => missing === undefined && name !== "message-db");

describe.each(kinds)("on $name", (kind) => {
  test("one release has the projection inline, another one async with an engine: no event is applied twice, and none is missing", async () => {
    const open = await kind.open();
    const inline = await start(open(), [Row, rows("inline")]);
    await inline.process(new Open({ id: "1" }));
    const async = await start(open(), [Row, rows("async")]);
    const engine = async.engine();
    await engine.start();
    onTestFinished(() => engine.stop());
    for (let round = 0; round < 4; round++) {
      await Promise.all(
        [inline, async, inline].map(async (domain) => {
          for (let n = 0; n < 5; n++) await domain.process(new Add({ id: "1", n: 1 }));
        }),
      );
      expect((await inline.view(Row).get("1"))?.n).toBe((round + 1) * 15);
    }
    await async.settle();
    expect((await async.view(Row).get("1"))?.n).toBe(60);
    await engine.stop();
    await inline.process(new Add({ id: "1", n: 1 }));
    expect((await inline.view(Row).get("1"))?.n).toBe(61);
  });

  test("a projector that has a step for one more event, of which there are none, says nothing", async () => {
    const open = await kind.open();
    const first = await start(open(), [Row, openedOnly]);
    await first.process(new Open({ id: "1" }));
    const log = new RecordedLog();
    await start(open(), [Row, rows("inline")], { log });
    expect(log.warnings).toEqual([]);
  });

  test("a projector that has a step for one more event, of which there are some: a warning names them", async () => {
    const open = await kind.open();
    const first = await start(open(), [Row, openedOnly]);
    await first.process(new Open({ id: "1" }));
    await first.process(new Add({ id: "1", n: 5 }));
    const log = new RecordedLog();
    const second = await start(open(), [Row, rows("inline")], { log });
    expect(log.warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/projection:Row:1 lack what Added stand for.*position \d+/),
    ]);
    await second.process(new Add({ id: "1", n: 1 }));
    expect((await second.view(Row).get("1"))?.n).toBe(1);
    await first.process(new Add({ id: "1", n: 1 })); // it has no step for it, and leaves the rows out
    expect((await second.view(Row).get("1"))?.n).toBe(2);
  });

  test("a projection that was renamed is filled from the log, and the former release goes on with its own", async () => {
    const open = await kind.open();
    const first = await start(open(), [Row, rows("inline")]);
    await first.process(new Open({ id: "1" }));
    await first.process(new Add({ id: "1", n: 1 }));
    const second = await start(open(), [Renamed, renamed]);
    await second.process(new Add({ id: "1", n: 1 }));
    await first.process(new Add({ id: "1", n: 1 }));
    expect((await second.view(Renamed).get("1"))?.n).toBe(3);
    expect((await first.view(Row).get("1"))?.n).toBe(3);
  });

  test("a domain that was renamed finds its rows again", async () => {
    const open = await kind.open();
    const first = await start(open(), [Row, rows("inline")]);
    await first.process(new Open({ id: "1" }));
    const renamedDomain = new Domain("house", {
      store: open(),
      elements: [...model, Row, rows("inline")],
      formerly: ["bank"],
      log: new RecordedLog(),
    });
    await renamedDomain.start();
    onTestFinished(() => renamedDomain.stop());
    await renamedDomain.process(new Add({ id: "1", n: 1 }));
    await first.process(new Add({ id: "1", n: 1 }));
    expect((await renamedDomain.view(Row).get("1"))?.n).toBe(2);
  });

  test("unique values count again once what another release left out was brought in", async () => {
    const open = await kind.open();
    const [one, other] = [await start(open(), [Mail, mails]), await start(open(), [])];
    await other.process(new Open({ id: "1", mail: "ada@example.org" }));
    const taken = one.process(new Open({ id: "2", mail: "ada@example.org" }));
    await expect(taken).rejects.toMatchObject({ code: "UNIQUE_VIOLATED" });
    await one.process(new Open({ id: "2", mail: "bob@example.org" }));
    expect(await one.view(Mail).count()).toBe(2);
  });

  test("two events of another release with the same unique value: commands go on, and views name the projection and the event", async () => {
    const open = await kind.open();
    const log = new RecordedLog();
    const [one, other] = [await start(open(), [Mail, mails], { log }), await start(open(), [])];
    await one.process(new Open({ id: "1", mail: "ada@example.org" }));
    await other.process(new Open({ id: "2", mail: "ada@example.org" }));
    await one.process(new Add({ id: "1", n: 1 }));
    await one.process(new Open({ id: "3", mail: "bob@example.org" }));
    await expect(one.view(Mail).count()).rejects.toMatchObject({
      code: "PROJECTION_FAILED",
      element: "Mail",
      message: expect.stringMatching(/Opened, position \d+/),
    });
    expect(log.errors.map(({ message }) => message)).toEqual([expect.stringContaining("inline Mail")]);
  });

  test.each(["no JSON", "[]x", '{"projection:Row:1":null}', '{"projection:Row:1":{"types":"Opened"}}', "7"])(
    "a register that cannot be read (%s) is refused by start, with a code",
    async (data) => {
      const open = await kind.open();
      const first = domainOn(open(), [Row, rows("inline")]);
      await first.start();
      await first.stop();
      const store = open();
      await store.open([]);
      const revision = (await store.records.note("inline"))?.revision ?? 0;
      await store.commit({ notes: [{ name: "inline", expected: revision, data }] });
      await store.close();
      const again = start(open(), [Row, rows("inline")]);
      await expect(again).rejects.toMatchObject({ code: "STORE_CORRUPT", element: "inline" });
    },
  );
});
