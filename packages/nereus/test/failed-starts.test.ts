import {
  Command,
  commandHandlers,
  Domain,
  Event,
  EventSourcedAggregate,
  identifier,
  Projection,
  projector,
  type Store,
} from "nereus";
import { memory } from "nereus/memory";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { everyStore } from "./support/every-store.ts";

class Opened extends Event("Opened", { id: identifier() }) {}
class Account extends EventSourcedAggregate("Account", { id: identifier() }).applies(Opened, (state, event) => {
  state.id = event.id;
}) {}
class Open extends Command("Open", { id: identifier() }) {}
const handlers = commandHandlers(Account).create(Open, ({ id }) =>
  Account.create((one) => one.raise(new Opened({ id }))),
);
const elements = [Account, handlers];
class Row extends Projection("Row", { id: identifier(), balance: z.number().default(0) }) {}

/** A domain whose start applies the stored events inline, and fails while `isBroken` says so. */
function failing(store: Store, isBroken: () => boolean, during?: () => void): Domain {
  const rows = projector(Row, { run: "inline" }).create(Opened, ({ id }) => {
    during?.();
    if (isBroken()) throw new Error("a fault in the projector");
    return { id };
  });
  return new Domain("bank", { elements: [...elements, Row, rows], store });
}

async function withOneEvent(place: () => Store): Promise<void> {
  const domain = new Domain("bank", { elements, store: place() });
  await domain.start();
  await domain.process(new Open({ id: "1" }));
  await domain.stop();
}

const closed = { code: "STORE_NOT_OPEN" };

describe.each(everyStore())("on $name", ({ missing, open }) => {
  test.skipIf(missing !== undefined)(
    "a start that fails after the store was opened closes it, and can be repeated",
    async () => {
      const place = await open();
      await withOneEvent(place);
      let isBroken = true;
      const store = place();
      const domain = failing(store, () => isBroken);
      await expect(domain.start()).rejects.toMatchObject({ code: "PROJECTION_FAILED" });
      await expect(store.log.head()).rejects.toMatchObject(closed);
      await expect(domain.process(new Open({ id: "2" }))).rejects.toMatchObject({ code: "DOMAIN_NOT_STARTED" });
      await expect(domain.start()).rejects.toMatchObject({ code: "PROJECTION_FAILED" });
      isBroken = false;
      await domain.start();
      expect(await domain.view(Row).get("1")).toMatchObject({ id: "1" });
      await domain.process(new Open({ id: "2" }));
      await domain.stop();
      await expect(store.log.head()).rejects.toMatchObject(closed);
    },
  );

  test.skipIf(missing !== undefined)(
    "a stop after a failed start does nothing, and one during a start waits for it",
    async () => {
      const place = await open();
      await withOneEvent(place);
      const broken = place();
      const first = failing(broken, () => true);
      const start = first.start();
      const stop = first.stop();
      await expect(start).rejects.toMatchObject({ code: "PROJECTION_FAILED" });
      await stop;
      await first.stop();
      await expect(broken.log.head()).rejects.toMatchObject(closed);

      const store = place();
      const second = failing(store, () => false);
      const starting = second.start();
      await second.stop();
      await starting;
      await expect(store.log.head()).rejects.toMatchObject(closed);
    },
  );

  test.skipIf(missing !== undefined)(
    "of two starts at once the second tries again what the first could not",
    async () => {
      const place = await open();
      await withOneEvent(place);
      let failures = 1;
      const domain = failing(place(), () => failures-- > 0);
      const outcomes = await Promise.allSettled([domain.start(), domain.start()]);
      expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
      await domain.process(new Open({ id: "2" }));
      await domain.stop();
    },
  );
});

test("a store that two domain objects share is closed with the last of them, also where one fails to start", async () => {
  const store = memory();
  const first = new Domain("bank", { elements, store });
  await first.start();
  onTestFinished(() => first.stop());
  await first.process(new Open({ id: "1" }));
  await expect(failing(store, () => true).start()).rejects.toMatchObject({ code: "PROJECTION_FAILED" });
  await first.process(new Open({ id: "2" }));
  const second = new Domain("bank", { elements, store });
  await second.start();
  await first.stop();
  await second.process(new Open({ id: "3" }));
  await second.stop();
  await expect(store.log.head()).rejects.toMatchObject(closed);
});

test("an engine of a domain that was stopped stays stopped when the domain starts again", async () => {
  const domain = new Domain("bank", { elements, store: memory() });
  await domain.start();
  const engine = domain.engine();
  await engine.start();
  await domain.stop();
  await domain.start();
  await expect(engine.start()).rejects.toMatchObject({ code: "DOMAIN_NOT_STARTED" });
  await engine.stop();
  await domain.stop();
});
