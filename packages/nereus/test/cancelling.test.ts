import { applicationService, type CommandContext, Domain, type DomainOptions, type Store } from "nereus";
import { fakeClock, given } from "nereus/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { Account, bank, Deposit, Open, Withdraw } from "./support/bank.ts";
import { everyStore } from "./support/every-store.ts";
import { RecordedLog } from "./support/places.ts";

const start = new Date("2026-03-15T09:00:00Z");
const tomorrow = { at: new Date("2026-03-16T09:00:00Z") };

async function started(store: Store, options: Partial<DomainOptions> = {}): Promise<Domain> {
  const domain = new Domain("bank", { elements: bank, store, log: new RecordedLog(), ...options });
  await domain.start();
  onTestFinished(() => domain.stop());
  return domain;
}

const deposit = () => new Deposit({ accountId: "1", amount: 5 });
const balanceOf = (domain: Domain) => domain.process(new Withdraw({ accountId: "1", amount: 0 }));
const kinds = everyStore().filter(({ missing }) => missing === undefined);

describe.each(kinds)("on $name", ({ name, open }) => {
  test.each([{}, { idempotencyKey: "mine" }, tomorrow, { ...tomorrow, idempotencyKey: "mine" }])(
    "a sent command that is cancelled never takes effect, one that is handled is not taken back: %j",
    async (options) => {
      const store = await open();
      const clock = fakeClock(start);
      const domain = await started(store(), { clock });
      await domain.process(new Open({ accountId: "1" }));
      const receipt = await domain.send(deposit(), options);
      expect(await receipt.cancel("mistake")).toBe("cancelled");
      expect(await receipt.cancel()).toBe("cancelled");
      const handled = await domain.send(deposit(), {
        ...options,
        ...("idempotencyKey" in options ? { idempotencyKey: "another" } : {}),
      });
      clock.advance({ days: 2 });
      await domain.settle();
      expect(await balanceOf(domain)).toBe(5);
      expect(await handled.cancel()).toBe("handled");
      expect(await receipt.cancel()).toBe("cancelled");
      const restarted = await started(store(), { clock });
      await restarted.settle();
      expect(await balanceOf(restarted)).toBe(5);
    },
  );

  test("a command is cancelled by its id, in another process and after a restart; by another's tenant or class it is not found", async () => {
    const store = await open();
    const clock = fakeClock(start);
    const first = await started(store(), { clock });
    await first.process(new Open({ accountId: "1" }), { tenant: "acme" });
    const { commandId } = await first.send(deposit(), { ...tomorrow, tenant: "acme" });
    await first.stop();
    const domain = await started(store(), { clock });
    expect(await domain.receipt(Deposit, commandId)).toBeUndefined();
    expect(await domain.receipt(Withdraw, commandId, { tenant: "acme" })).toBeUndefined();
    expect(await domain.receipt(Deposit, "unknown", { tenant: "acme" })).toBeUndefined();
    const receipt = await domain.receipt(Deposit, commandId, { tenant: "acme" });
    expect(receipt).toMatchObject({ commandId });
    expect(await receipt?.cancel()).toBe("cancelled");
    clock.advance({ days: 2 });
    await domain.settle();
    expect(await domain.process(new Withdraw({ accountId: "1", amount: 0 }), { tenant: "acme" })).toBe(0);
  });

  // Message DB has its outcomes in another store than its messages: see its guide
  test.skipIf(name === "message-db").each([{}, { idempotencyKey: "same" }])(
    "of a cancellation and an effect at the same time one is stored, and the answer says which: %j",
    async (options) => {
      const store = await open();
      const domains = [await started(store()), await started(store())] as const;
      await domains[0].process(new Open({ accountId: "1" }));
      let effects = 0;
      for (let n = 0; n < 20; n++) {
        const own = "idempotencyKey" in options ? { idempotencyKey: `${n}` } : {};
        const receipt = await domains[0].send(deposit(), own);
        const [answer] = await Promise.all([receipt.cancel(), domains[1].settle()]);
        expect(["cancelled", "handled"]).toContain(answer);
        if (answer === "handled") effects += 1;
        await domains[0].settle();
        expect(await receipt.cancel()).toBe(answer);
      }
      expect(await balanceOf(domains[0])).toBe(effects * 5);
    },
  );

  test("a command that a handler has sent is cancelled by the id that the handler was told", async () => {
    const clock = fakeClock(start);
    const sender = applicationService("Sender", {
      async later({ send }: CommandContext) {
        return (await send(deposit(), tomorrow)).commandId;
      },
    });
    const domain = await started((await open())(), { clock, elements: [...bank, sender] });
    await domain.process(new Open({ accountId: "1" }));
    const [commandId] = [await domain.service(sender).later(), await domain.service(sender).later()];
    const receipt = await domain.receipt(Deposit, commandId);
    expect(await receipt?.cancel()).toBe("cancelled");
    clock.advance({ days: 2 });
    await domain.settle();
    expect(await balanceOf(domain)).toBe(5); // the other one took effect
  });

  test("a refused command counts as handled", async () => {
    const domain = await started((await open())());
    const receipt = await domain.send(deposit()); // there is no account
    await expect(domain.settle()).rejects.toMatchObject({ code: "SENT_COMMAND_FAILED" });
    expect(await receipt.cancel()).toBe("handled");
  });
});

test("while its handler runs in this process, a command is under way", async () => {
  const { memory } = await import("nereus/memory");
  const { Command, commandHandlers, identifier } = await import("nereus");
  class Slow extends Command("Slow", { accountId: identifier() }) {}
  let begun: (() => void) | undefined;
  let end: (() => void) | undefined;
  const running = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const slow = commandHandlers(Account).on(Slow, async () => {
    begun?.();
    await ended;
  });
  const domain = await started(memory(), { elements: [...bank, slow] });
  const receipt = await domain.send(new Slow({ accountId: "1" }));
  const settled = domain.settle();
  await running;
  expect(await receipt.cancel()).toBe("underWay");
  end?.();
  await settled;
  expect(await receipt.cancel()).toBe("handled");
});

test("a scenario tells when and how a command was sent", async () => {
  const { memory } = await import("nereus/memory");
  const domain = () => new Domain("bank", { elements: bank, store: memory(), clock: fakeClock(start) });
  const sending = () => given(domain()).when((own) => own.send(deposit(), { ...tomorrow, priority: "low" }));
  await sending().thenSent([deposit(), tomorrow]);
  await sending().thenSent([deposit(), { ...tomorrow, priority: "low" }]);
  await expect(sending().thenSent([deposit(), { at: start }])).rejects.toThrow("sent with another at than expected");
  await expect(sending().thenSent([deposit(), { priority: "high" }])).rejects.toThrow("another priority");
  // @ts-expect-error no such option
  const wrong = () => sending().thenSent([deposit(), { when: start }]);
  await expect(wrong()).rejects.toThrow("another when");
});
