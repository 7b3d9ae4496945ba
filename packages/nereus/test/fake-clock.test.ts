import { Domain } from "nereus";
import { memory } from "nereus/memory";
import { fakeClock } from "nereus/testing";
import { expect, test } from "vitest";
import { Account, AccountSummary, accountCommands, accountSummaries, OpenAccount } from "./seed/bank.ts";

test("events are recorded at the time that a fake clock shows, which stands still until it is moved", async () => {
  const clock = fakeClock(new Date("2026-03-15T09:00:00Z"));
  const store = memory();
  const elements = [Account, accountCommands, AccountSummary, accountSummaries];
  const bank = new Domain("bank", { elements, store, clock });
  await bank.start();
  await bank.process(new OpenAccount({ accountId: "1", holder: "Ada", opening: 1 }));
  clock.advance({ days: 1, hours: 2, minutes: 3, seconds: 4, milliseconds: 5 });
  await bank.process(new OpenAccount({ accountId: "2", holder: "Ada", opening: 1 }));
  clock.set(new Date(0));
  await bank.process(new OpenAccount({ accountId: "3", holder: "Ada", opening: 1 }));
  const { messages } = await store.log.readLog({ after: 0, limit: 10 });
  expect(messages.map(({ recordedAt }) => new Date(recordedAt).toISOString())).toEqual([
    "2026-03-15T09:00:00.000Z",
    "2026-03-16T11:03:04.005Z",
    "1970-01-01T00:00:00.000Z",
  ]);
  await bank.stop();
});
