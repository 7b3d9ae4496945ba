import type { Engine } from "nereus";
import { memory } from "nereus/memory";
import { sqlite } from "nereus/sqlite";
import { describe, expect, test } from "vitest";
import { AccountSummary, OpenAccount, openBank, Withdraw } from "./seed/bank.ts";

describe.each([
  { name: "memory", store: memory },
  { name: "sqlite", store: () => sqlite(":memory:") },
])("on $name", ({ store }) => {
  test("stop lets commands under way finish and refuses later ones", async () => {
    const bank = openBank(store());
    await bank.start();
    await bank.process(new OpenAccount({ accountId: "1", holder: "Ada", opening: 100 }));
    const underWay = Array.from({ length: 20 }, () => bank.process(new Withdraw({ accountId: "1", amount: 1 })));
    const stopped = bank.stop();
    await expect(bank.process(new Withdraw({ accountId: "1", amount: 1 }))).rejects.toMatchObject({
      code: "DOMAIN_NOT_STARTED",
    });
    await stopped;
    expect(await Promise.allSettled(underWay)).toEqual(underWay.map(() => ({ status: "fulfilled", value: undefined })));
  });

  test("a failing command does not hold up stop", async () => {
    const bank = openBank(store());
    await bank.start();
    const refused = bank.process(new Withdraw({ accountId: "absent", amount: 1 })).catch((error) => error);
    await bank.stop();
    expect(await refused).toMatchObject({ code: "AGGREGATE_NOT_FOUND" });
  });

  test("an engine may stop and start again, but not after its domain has stopped", async () => {
    const bank = openBank(store());
    await bank.start();
    const engine: Engine = bank.engine();
    await engine.start();
    await engine.start();
    await engine.stop();
    await engine.stop();
    await engine.start();
    await bank.process(new OpenAccount({ accountId: "1", holder: "Ada", opening: 100 }));
    while ((await bank.view(AccountSummary).get("1")) === undefined)
      await new Promise((resolve) => setTimeout(resolve, 5));
    await bank.stop();
    await expect(engine.start()).rejects.toMatchObject({ code: "DOMAIN_NOT_STARTED" });
  });
});
