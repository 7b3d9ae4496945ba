import { Domain, type Store } from "nereus";
import { memory } from "nereus/memory";
import { expect, onTestFinished, test } from "vitest";
import { bank, Open, Withdraw } from "./support/bank.ts";
import { RecordedLog } from "./support/places.ts";

/** A store of which one call never answers while its gate is shut. */
function hanging(call: "open" | "close") {
  const inner = memory();
  const gate = Promise.withResolvers<void>();
  const state = { isShut: true, opened: 0, closed: 0 };
  onTestFinished(() => gate.resolve());
  const through = async (of: "open" | "close", work: () => Promise<void>): Promise<void> => {
    if (of === call && state.isShut) await gate.promise;
    await work();
    state[of === "open" ? "opened" : "closed"] += 1;
  };
  const store: Store = {
    name: inner.name,
    capabilities: inner.capabilities,
    log: inner.log,
    documents: inner.documents,
    records: inner.records,
    open: (collections) => through("open", () => inner.open(collections)),
    close: () => through("close", () => inner.close()),
    commit: (commit) => inner.commit(commit),
    onCommit: (listener) => inner.onCommit(listener),
  };
  const release = () => {
    state.isShut = false;
    gate.resolve();
  };
  return { store, state, release };
}

const failure = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);

test("a start whose store never answers is left by a stop, which names it; a store that opens later is closed again", async () => {
  const { store, state, release } = hanging("open");
  const domain = new Domain("bank", { elements: bank, store, log: new RecordedLog() });
  const start = failure(domain.start());
  const stopped = await failure(domain.stop({ within: 50 }));
  expect(stopped).toMatchObject({
    code: "STOP_FORCED",
    message: expect.stringMatching(/its start has run for .* s: the store memory has not answered/),
  });
  expect(await start).toMatchObject({ code: "STOP_FORCED" });
  await expect(domain.process(new Open({ accountId: "1" }))).rejects.toMatchObject({ code: "DOMAIN_NOT_STARTED" });
  release();
  await expect.poll(() => state.closed).toBeGreaterThanOrEqual(2);
  expect(state.opened).toBe(1);
  await expect(store.log.head()).rejects.toMatchObject({ code: "STORE_NOT_OPEN" });
  await domain.start();
  await domain.process(new Open({ accountId: "1" }));
  expect(await domain.process(new Withdraw({ accountId: "1", amount: 0 }))).toBe(0);
  await domain.stop();
});

test("a stop that comes while a start is under way waits for it, and stops the domain", async () => {
  const { store, state, release } = hanging("open");
  const domain = new Domain("bank", { elements: bank, store, log: new RecordedLog() });
  const start = domain.start();
  const stop = domain.stop();
  release();
  await start;
  await stop;
  expect(state.closed).toBe(1);
  await expect(domain.process(new Open({ accountId: "1" }))).rejects.toMatchObject({ code: "DOMAIN_NOT_STARTED" });
});

test("a store that never closes does not keep a stop waiting", async () => {
  const { store } = hanging("close");
  const domain = new Domain("bank", { elements: bank, store, log: new RecordedLog() });
  await domain.start();
  await domain.process(new Open({ accountId: "1" }));
  await expect(domain.stop({ within: 50 })).rejects.toMatchObject({
    code: "STOP_FORCED",
    message: expect.stringContaining("the store does not let go"),
  });
  await expect(domain.process(new Open({ accountId: "2" }))).rejects.toMatchObject({ code: "DOMAIN_NOT_STARTED" });
  await domain.stop();
});
