import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Domain } from "nereus";
import { sqlite } from "nereus/sqlite";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "./support/places.ts";
import { script } from "./support/scripts.ts";
import { AtOnce, Clock, elements, Later, Tally } from "./support/ticks.ts";

/** Runs a process that writes and projects, and kills it with SIGKILL after it has printed so many lines. */
async function writeAndDie(path: string, lines: number): Promise<void> {
  const child = fileURLToPath(new URL("./support/projecting-child.ts", import.meta.url));
  const running = spawn(process.execPath, ["--conditions=@nereus/source", child, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void running.kill("SIGKILL"));
  const exited = once(running, "exit");
  let printed = 0;
  for await (const _ of createInterface({ input: running.stdout })) {
    if (++printed >= lines) running.kill("SIGKILL");
  }
  const [, signal] = await exited;
  expect(signal).toBe("SIGKILL"); // it did not end by an error of its own
  expect(printed).toBeGreaterThanOrEqual(lines);
}

test("after kill -9 every event is counted once: in states, in rows of its transaction, and in rows that follow", async () => {
  const path = join(temporaryFolder(), "ticks.db");
  const look = script(Clock, async ({ repository }) => {
    const ids = Array.from({ length: 7 }, (_, n) => `${n}`);
    const clocks = await Promise.all(ids.map((id) => repository(Clock).get(id)));
    const tallies = await Promise.all(ids.map((id) => repository(Tally).get(id)));
    return [clocks.map(({ ticks }) => ticks), tallies.map(({ ticks }) => ticks)];
  });
  let before = 0;
  for (const lines of [3, 11, 7]) {
    await writeAndDie(path, lines);
    const store = sqlite(path);
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
