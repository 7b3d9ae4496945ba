import {
  Aggregate,
  Command,
  commandHandlers,
  Domain,
  type Element,
  Entity,
  Event,
  EventSourcedAggregate,
  identifier,
  isNereusError,
  ModelError,
  Projection,
  projector,
  Query,
  queryHandlers,
  type Store,
  ValueObject,
} from "nereus";
import { memory } from "nereus/memory";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Account, accountCommands, bank, Deposit, Open, Withdraw } from "./support/bank.ts";
import { places } from "./support/places.ts";

class Happened extends Event("Happened", { id: identifier() }) {}
class HappenedToo extends Event("HappenedToo", { id: identifier() }) {}

/** A model with many faults; start-up-checks.test.ts has every one there is. */
function faulty(): { elements: unknown[]; store: Store } {
  const HappenedTwin = class extends Event("Happened", { other: z.string() }) {};
  const Sound = class extends EventSourcedAggregate("Sound", { id: identifier() }).applies(
    Happened,
    () => undefined,
  ) {};
  const Thief = class extends EventSourcedAggregate("Thief", { id: identifier() }).applies(
    Happened,
    () => undefined,
  ) {};
  const Idle = class extends EventSourcedAggregate("Idle", { id: identifier() }) {};
  const Anonymous = class extends Aggregate("Anonymous", { name: z.string() }) {};
  const TwoFaced = class extends Aggregate("TwoFaced", { a: identifier(), b: identifier() }) {};
  const Unlisted = class extends Aggregate("Unlisted", { id: identifier() }) {};
  const Double = class extends Aggregate("Double", { id: identifier() }) {};
  const Weakened = class extends Aggregate("Weakened", { id: identifier() }).raises(HappenedToo) {};
  const Row = class extends Projection("Row", { id: identifier() }) {};
  const Unfilled = class extends Projection("Unfilled", { id: identifier() }) {};
  const Indexed = class extends Projection("Indexed", { id: identifier() }, { indexes: [["colour" as "id"]] }) {};
  const UnlistedRow = class extends Projection("UnlistedRow", { id: identifier() }) {};
  const Nameless = class extends Command("Nameless", { text: z.string() }) {};
  const Twice = class extends Command("Twice", { id: identifier() }) {};
  const Unhandled = class extends Command("Unhandled", { id: identifier() }) {};
  const Ask = class extends Query("Ask", {}) {};
  const rows = projector(Row, { run: "async" });
  const elements = [
    Sound,
    Thief,
    Idle,
    Anonymous,
    TwoFaced,
    Double,
    Double,
    Weakened,
    HappenedTwin,
    commandHandlers(Unlisted),
    commandHandlers(Sound)
      .update(Nameless, () => undefined)
      .update(Twice, () => undefined)
      .on(Twice, () => undefined),
    Unhandled,
    Row,
    rows,
    projector(Row, { run: "inline" }),
    Unfilled,
    Indexed,
    projector(Indexed, { run: "async" }),
    projector(UnlistedRow, { run: "async" }),
    queryHandlers(Row)
      .on(Ask, () => undefined)
      .on(Ask, () => undefined),
    queryHandlers(UnlistedRow),
    class NotAnElement {},
    () => undefined,
    undefined,
    "Account",
    { kind: "aggregate" },
  ];
  return { elements, store: { ...memory(), name: "weak", capabilities: new Set() } as unknown as Store };
}

test("start reports every fault of the model at once, with what to do about each", async () => {
  const { elements, store } = faulty();
  const domain = new Domain("faulty", { elements: elements as Element[], store });
  const error = await domain.start().catch((caught: unknown) => caught);
  if (!(error instanceof ModelError)) throw error;
  expect(isNereusError(error, "MODEL_INVALID")).toBe(true);
  const found = error.faults.map(({ code, element }) => `${code} ${element}`);
  expect(found.sort()).toEqual([
    "AGGREGATE_UNREGISTERED Unlisted",
    "APPLY_MISSING Idle",
    "COMMAND_HANDLED_TWICE Twice",
    "COMMAND_IDENTITY_UNKNOWN Nameless",
    "COMMAND_UNHANDLED Unhandled",
    "ELEMENT_DUPLICATE Double",
    "ELEMENT_UNKNOWN faulty",
    "ELEMENT_UNKNOWN faulty",
    "ELEMENT_UNKNOWN faulty",
    "ELEMENT_UNKNOWN faulty",
    "ELEMENT_UNKNOWN faulty",
    "EVENT_APPLIED_TWICE Happened",
    "EVENT_NAME_DUPLICATE Happened",
    "EVENT_NAME_DUPLICATE Happened",
    "HANDLERS_EMPTY commandHandlers(Unlisted)",
    "HANDLERS_EMPTY queryHandlers(UnlistedRow)",
    "IDENTIFIER_AMBIGUOUS TwoFaced",
    "IDENTIFIER_MISSING Anonymous",
    "INDEX_FIELD_UNKNOWN Indexed",
    "PROJECTION_UNREGISTERED UnlistedRow",
    "PROJECTION_UNREGISTERED UnlistedRow",
    "PROJECTOR_DUPLICATE Row",
    "PROJECTOR_EMPTY projector(Indexed)",
    "PROJECTOR_EMPTY projector(Row)",
    "PROJECTOR_EMPTY projector(UnlistedRow)",
    "PROJECTOR_MISSING Unfilled",
    "QUERY_HANDLED_TWICE Ask",
    "STORE_CAPABILITY_MISSING Weakened",
  ]);
  for (const { code, message, fix } of error.faults) {
    expect(message.length, code).toBeGreaterThan(5);
    expect(fix.length, code).toBeGreaterThan(5);
    expect(error.message).toContain(code);
  }
});

test("a faulty model touches no store, and a domain that did not start is not started", async () => {
  const { elements } = faulty();
  let opened = false;
  const store = {
    ...memory(),
    capabilities: new Set(["transactional"]),
    open: async () => {
      opened = true;
    },
  } as unknown as Store;
  const domain = new Domain("faulty", { elements: elements as Element[], store });
  await expect(domain.start()).rejects.toMatchObject({ code: "MODEL_INVALID" });
  expect(opened).toBe(false);
  await expect(domain.process(new Open({ accountId: "1" }))).rejects.toMatchObject({ code: "DOMAIN_NOT_STARTED" });
});

test("an empty model is a model", async () => {
  const domain = new Domain("empty", { elements: [], store: memory() });
  await domain.start();
  await domain.settle();
  await domain.stop();
});

describe.each(places())("on $name", (kind) => {
  test("nothing works before start or after stop, and each use says so", async () => {
    const domain = new Domain("bank", { elements: bank, store: kind.open().store() });
    class Row extends Projection("Row", { id: identifier() }) {}
    class Ask extends Query("Ask", {}).returns<string>() {}
    const uses: (() => unknown)[] = [
      () => domain.process(new Open({ accountId: "1" })),
      () => domain.query(new Ask({})),
      () => domain.view(Row),
      () => domain.engine(),
      () => domain.settle(),
    ];
    const refuseAll = async () => {
      for (const use of uses) {
        const outcome = await (async () => use())().then(
          () => "worked",
          (error: { code: string }) => error.code,
        );
        expect(outcome).toBe("DOMAIN_NOT_STARTED");
      }
    };
    await refuseAll();
    await domain.stop(); // changes nothing
    await domain.start();
    await domain.stop();
    await refuseAll();
  });

  test("a second start changes nothing, also at the same time, and a stopped domain starts again with its data", async () => {
    const place = kind.open();
    const domain = new Domain("bank", { elements: bank, store: place.store() });
    await Promise.all([domain.start(), domain.start()]);
    await domain.start();
    await domain.process(new Open({ accountId: "1" }));
    await domain.process(new Deposit({ accountId: "1", amount: 5 }));
    await domain.stop();
    await domain.start();
    expect(await domain.process(new Withdraw({ accountId: "1", amount: 5 }))).toBe(0);
    await domain.stop();
  });

  test("a command that no handler takes, and what is no command, are refused by name", async () => {
    const domain = await kind.open().start([Account, accountCommands]);
    class Unheard extends Command("Unheard", {}) {}
    await expect(domain.process(new Unheard({}))).rejects.toMatchObject({
      code: "UNKNOWN_COMMAND",
      element: "Unheard",
    });
    for (const junk of [{}, undefined, null, "Open", 7, new Happened({ id: "1" })]) {
      await expect(domain.process(junk as never)).rejects.toMatchObject({ code: "UNKNOWN_COMMAND" });
    }
  });

  test("a command of another class with the name of a handled one is refused", async () => {
    const domain = await kind.open().start([Account, accountCommands]);
    const Impostor = class extends Command("Deposit", { accountId: identifier(), amount: z.string() }) {};
    await domain.process(new Open({ accountId: "1" }));
    await expect(domain.process(new Impostor({ accountId: "1", amount: "lots" }))).rejects.toMatchObject({
      code: "UNKNOWN_COMMAND",
    });
  });

  test("a stored event that no element knows stops the load with its name, and nothing else", async () => {
    const place = kind.open();
    const domain = await place.start([Account, accountCommands]);
    await domain.process(new Open({ accountId: "1" }));
    await domain.process(new Deposit({ accountId: "1", amount: 1 }));
    class Opened2 extends Event("Opened", { accountId: identifier(), holder: z.string() }) {}
    class Poor extends EventSourcedAggregate("Account", { accountId: identifier() }).applies(Opened2, (it, event) => {
      it.accountId = event.accountId;
    }) {}
    class Touch extends Command("Touch", { accountId: identifier() }) {}
    const touch = commandHandlers(Poor).update(Touch, () => undefined);
    const poorer = await place.start([Poor, touch]);
    await expect(poorer.process(new Touch({ accountId: "1" }))).rejects.toMatchObject({
      code: "UNKNOWN_EVENT_TYPE",
      element: "Deposited",
    });
  });
});

test("events, commands, queries, entities and value objects may be listed too", async () => {
  class Part extends Entity("Part", { partId: identifier() }) {}
  class Size extends ValueObject("Size", { n: z.number() }) {}
  class Ask extends Query("Ask", {}) {}
  class Row extends Projection("Row", { id: identifier() }) {}
  const rows = projector(Row, { run: "async" }).create(HappenedToo, ({ id }) => ({ id }));
  const questions = queryHandlers(Row).on(Ask, () => undefined);
  const elements = [...bank, HappenedToo, Open, Ask, Part, Size, Row, rows, questions];
  const domain = new Domain("all", { elements, store: memory() });
  await domain.start();
  await domain.stop();
});
