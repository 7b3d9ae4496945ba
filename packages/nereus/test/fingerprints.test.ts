import { hash } from "node:crypto";
import { Domain, type Store, subscriber } from "nereus";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { bank, Deposit, Open, Withdraw } from "./support/bank.ts";
import { everyStore } from "./support/every-store.ts";
import { RecordedLog } from "./support/places.ts";

const phone = subscriber(
  "Phone",
  { stream: "calls", message: z.object({ account: z.string(), number: z.string() }) },
  ({ account }, { process }) => process(new Deposit({ accountId: account, amount: 1 })),
);

async function started(store: Store): Promise<Domain> {
  const domain = new Domain("bank", { elements: [...bank, phone], store, log: new RecordedLog() });
  await domain.start();
  onTestFinished(() => domain.stop());
  return domain;
}

const deposit = () => new Deposit({ accountId: "1", amount: 5 });
const text = 'Deposit\n{"accountId":"1","amount":5}';
const kinds = everyStore().filter(({ missing }) => missing === undefined);

describe.each(kinds)("on $name", ({ open }) => {
  test("what is kept of a payload with a key or an id cannot be made without the store's secret", async () => {
    const kept: string[] = [];
    for (let time = 0; time < 2; time++) {
      const store = (await open())();
      const domain = await started(store);
      await domain.process(new Open({ accountId: "1" }));
      await domain.process(deposit(), { idempotencyKey: "k" });
      await domain.deliver(phone, { account: "1", number: "555-0123" }, { id: "m" });
      const record = await store.records.idempotency("", "k");
      kept.push(record?.fingerprint ?? "");
      const message = await store.records.idempotency("", "nereus:message:Phone:m");
      kept.push(message?.fingerprint ?? "");
      await domain.stop();
    }
    expect(new Set(kept).size).toBe(4);
    for (const fingerprint of kept) {
      expect(fingerprint).not.toContain(hash("sha256", text));
      expect(fingerprint).not.toContain(hash("sha256", '{"account":"1","number":"555-0123"}'));
    }
  });

  test("every process and every start knows what another has kept, also those that start together", async () => {
    const make = await open();
    const domains = await Promise.all([started(make()), started(make()), started(make())]);
    await domains[0].process(new Open({ accountId: "1" }));
    for (const domain of domains) {
      await domain.process(deposit(), { idempotencyKey: "k" });
      await domain.deliver(phone, { account: "1", number: "555-0123" }, { id: "m" });
    }
    const again = await started(make());
    await again.process(deposit(), { idempotencyKey: "k" });
    expect(await again.process(new Withdraw({ accountId: "1", amount: 0 }))).toBe(6);
    const other = new Deposit({ accountId: "1", amount: 6 });
    await expect(again.process(other, { idempotencyKey: "k" })).rejects.toMatchObject({
      code: "IDEMPOTENCY_KEY_REUSED",
    });
  });

  test("what an earlier release has kept is still known", async () => {
    const store = (await open())();
    const domain = await started(store);
    const record = { tenant: "", key: "k", fingerprint: hash("sha256", text), result: "7" };
    await store.commit({ idempotency: record });
    expect(await domain.process(deposit(), { idempotencyKey: "k" })).toBe(7);
    const other = new Deposit({ accountId: "1", amount: 6 });
    await expect(domain.process(other, { idempotencyKey: "k" })).rejects.toMatchObject({
      code: "IDEMPOTENCY_KEY_REUSED",
    });
  });
});
