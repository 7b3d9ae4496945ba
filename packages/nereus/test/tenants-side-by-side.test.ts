import { Domain } from "nereus";
import { describe, expect, onTestFinished, test } from "vitest";
import { bank, Deposit, Open, Withdraw } from "./support/bank.ts";
import { everyStore } from "./support/every-store.ts";

const loudCallers = 1500;
/** Of two batches that are under way and the next one, where several tenants share a store. */
const threeBatches = 3 * 64;

// in memory no commit waits for another
const stores = everyStore().filter(({ name, missing }) => name !== "memory" && missing === undefined);

describe.each(stores)("tenants side by side on $name", (kind) => {
  test("however many commands of a loud one wait, a command of a quiet one is in one of the next batches", async () => {
    const store = await kind.open();
    const domain = new Domain("bank", { elements: bank, store: store() });
    await domain.start();
    onTestFinished(() => domain.stop());
    const ids = Array.from({ length: loudCallers }, (_, n) => `loud${n}`);
    await domain.process(new Open({ accountId: "quiet" }), { tenant: "quiet" });
    await Promise.all(ids.map((accountId) => domain.process(new Open({ accountId }), { tenant: "loud" })));

    let answered = 0;
    const overtaken: number[] = [];
    const quiet: Promise<void>[] = [];
    const ask = async (): Promise<void> => {
      const before = answered;
      await domain.process(new Deposit({ accountId: "quiet", amount: 1 }), { tenant: "quiet" });
      overtaken.push(answered - before);
    };
    const loud = ids.map(async (accountId) => {
      await domain.process(new Deposit({ accountId, amount: 1 }), { tenant: "loud" });
      answered += 1;
      if (answered % 300 === 0) quiet.push(ask());
    });
    await Promise.all(loud);
    await Promise.all(quiet);
    expect(overtaken).toHaveLength(5);
    expect(Math.max(...overtaken)).toBeLessThanOrEqual(threeBatches);
    expect(await domain.process(new Withdraw({ accountId: "quiet", amount: 0 }), { tenant: "quiet" })).toBe(5);
    for (const accountId of [ids[0], ids.at(-1)] as string[]) {
      expect(await domain.process(new Withdraw({ accountId, amount: 0 }), { tenant: "loud" })).toBe(1);
    }
  });
});
