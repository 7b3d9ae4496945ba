import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Domain } from "nereus";
import { sqlite } from "nereus/sqlite";
import { expect, onTestFinished, test } from "vitest";
import { Counter, counterIds, elements } from "../support/handling.ts";
import { RecordedLog, temporaryFolder } from "../support/places.ts";
import { script } from "../support/scripts.ts";

const child = fileURLToPath(new URL("../support/handling-child.ts", import.meta.url));

/** Runs a process that places orders and handles them, and kills it after so many lines and some milliseconds. */
async function handleAndDie(path: string, name: string, lines: number): Promise<void> {
  const running = spawn(process.execPath, ["--conditions=@nereus/source", child, path, name], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void running.kill("SIGKILL"));
  const exited = once(running, "exit");
  let printed = 0;
  for await (const _ of createInterface({ input: running.stdout })) {
    if (++printed === lines) setTimeout(() => running.kill("SIGKILL"), Math.random() * 10);
  }
  const [, signal] = await exited;
  expect(signal).toBe("SIGKILL"); // it did not end by an error of its own
}

test("after kill -9 of two processes at once, every handler and every sent command has taken effect once", {
  timeout: 60_000,
}, async () => {
  const path = join(temporaryFolder(), "orders.db");
  const look = script(Counter, async ({ repository }) => {
    const counters = await Promise.all(counterIds.map((id) => repository(Counter).get(id)));
    return Object.fromEntries(counters.map(({ counterId, count }) => [counterId, count]));
  });
  for (const [round, lines] of [8, 25, 14].entries()) {
    await Promise.all(["a", "b"].map((name) => handleAndDie(path, `${name}${round}`, lines)));
    const store = sqlite(path);
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
