import { setTimeout } from "node:timers/promises";
import { Domain } from "nereus";
import { describe, expect, test } from "vitest";
import { startChild } from "../support/child.ts";
import { Counter, counterIds, elements } from "../support/handling.ts";
import { keptPlaces } from "../support/kept-places.ts";
import { RecordedLog } from "../support/places.ts";
import { script } from "../support/scripts.ts";
import { storeAt } from "../support/store-at.ts";

/** Runs a process that places orders and handles them, and kills it after so many lines and some milliseconds. */
async function handleAndDie(place: string, name: string, lines: number): Promise<void> {
  const child = startChild(new URL("../support/handling-child.ts", import.meta.url), [place, name]);
  await child.printed(lines);
  await setTimeout(Math.random() * 10);
  child.process.kill("SIGKILL");
  expect(await child.ended).toBe("SIGKILL"); // it did not end by an error of its own
}

describe.each(keptPlaces())("on $name", { timeout: 180_000 }, ({ open }) => {
  test("after kill -9 of two processes at once, every handler and every sent command has taken effect once", async () => {
    const place = await open();
    const look = script(Counter, async ({ repository }) => {
      const counters = await Promise.all(counterIds.map((id) => repository(Counter).get(id)));
      return Object.fromEntries(counters.map(({ counterId, count }) => [counterId, count]));
    });
    for (const [round, lines] of [8, 25, 14].entries()) {
      await Promise.all(["a", "b"].map((name) => handleAndDie(place, `${name}${round}`, lines)));
      const store = storeAt(place);
      const log = new RecordedLog();
      const domain = new Domain("orders", { elements: [...elements, look.handlers], store, log });
      await domain.start();
      await domain.settle();
      const events = (await store.log.readLog({ after: 0, limit: 100_000 })).messages;
      const sent = (await store.log.readLog({ after: 0, limit: 100_000, kinds: ["command"] })).messages;
      expect(events.length).toBeGreaterThan(lines * 2);
      expect(await domain.process(look.command())).toEqual(
        Object.fromEntries(counterIds.map((id) => [id, events.length])),
      );
      const ordersSent = sent.filter(({ type }) => type === "Place").map(({ id }) => id);
      const causes = events.filter(({ stream }) => stream.id.endsWith("sent")).map(({ causationId }) => causationId);
      expect(causes.toSorted()).toEqual(ordersSent.toSorted());
      expect(log.errors).toEqual([]);
      await domain.stop();
    }
  });
});
