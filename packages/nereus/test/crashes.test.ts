import { Domain } from "nereus";
import { describe, expect, test } from "vitest";
import { startChild } from "./support/child.ts";
import { keptPlaces } from "./support/kept-places.ts";
import { script } from "./support/scripts.ts";
import { storeAt } from "./support/store-at.ts";
import { AtOnce, Clock, elements, Later, Tally } from "./support/ticks.ts";

/** Runs a process that writes and projects, and kills it with SIGKILL after it has printed so many lines. */
async function writeAndDie(place: string, lines: number): Promise<void> {
  const child = startChild(new URL("./support/projecting-child.ts", import.meta.url), [place]);
  await child.printed(lines);
  child.process.kill("SIGKILL");
  expect(await child.ended).toBe("SIGKILL"); // it did not end by an error of its own
}

describe.each(keptPlaces())("on $name", { timeout: 180_000 }, ({ open }) => {
  test("after kill -9 every event is counted once: in states, in rows of its transaction, and in rows that follow", async () => {
    const place = await open();
    const look = script(Clock, async ({ repository }) => {
      const ids = Array.from({ length: 7 }, (_, n) => `${n}`);
      const clocks = await Promise.all(ids.map((id) => repository(Clock).get(id)));
      const tallies = await Promise.all(ids.map((id) => repository(Tally).get(id)));
      return [clocks.map(({ ticks }) => ticks), tallies.map(({ ticks }) => ticks)];
    });
    let before = 0;
    for (const lines of [3, 11, 7]) {
      await writeAndDie(place, lines);
      const store = storeAt(place);
      const domain = new Domain("ticks", { elements: [...elements, look.handlers], store });
      await domain.start();
      await domain.settle();
      const stored = new Map<string, number>();
      const { messages } = await store.log.readLog({ after: 0, limit: 1_000_000 });
      for (const { stream } of messages) stored.set(stream.id, (stored.get(stream.id) ?? 0) + 1);
      const counts = Array.from({ length: 7 }, (_, n) => stored.get(`${n}`));
      expect(messages.length).toBeGreaterThanOrEqual(before + lines * 20);
      before = messages.length;
      const order = { orderBy: { clockId: "asc" } } as const;
      expect((await domain.view(Later).find(order)).map(({ ticks }) => ticks)).toEqual(counts);
      expect((await domain.view(AtOnce).find(order)).map(({ ticks }) => ticks)).toEqual(counts);
      expect(await domain.process(look.command())).toEqual([counts, counts]);
      await domain.stop();
    }
  });
});
