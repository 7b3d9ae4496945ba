import { Command, commandHandlers, eventHandlers, identifier, Projection, projector } from "nereus";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { Account, bank, Deposit, Deposited, Open, Withdraw } from "./support/bank.ts";
import { places } from "./support/places.ts";
import { until } from "./support/until.ts";

class Hang extends Command("Hang", { accountId: identifier() }) {}

function hanging() {
  const gate = Promise.withResolvers<void>();
  const seen: { signal?: AbortSignal; runs: number; afterwards: unknown[] } = { runs: 0, afterwards: [] };
  const handlers = commandHandlers(Account).update(Hang, async (_, __, { process, signal }) => {
    seen.runs += 1;
    seen.signal = signal;
    await gate.promise;
    await process(new Deposit({ accountId: "1", amount: 1000 })).catch((error) => seen.afterwards.push(error.code));
  });
  onTestFinished(() => gate.resolve());
  return { handlers, seen, release: gate.resolve };
}

describe.each(places())("on $name", (kind) => {
  test("stop ends a command that hangs, names it, closes the store, and the domain can start again", async () => {
    const hang = hanging();
    const domain = await kind.open().start([...bank, hang.handlers]);
    await domain.process(new Open({ accountId: "1" }));
    const hung = domain.process(new Hang({ accountId: "1" })).catch((error: unknown) => error);
    const behind = domain.process(new Deposit({ accountId: "1", amount: 1 })).catch((error: unknown) => error);
    await until(() => hang.seen.runs === 1);
    await expect(domain.stop({ within: 50 })).rejects.toMatchObject({
      code: "STOP_FORCED",
      message: expect.stringMatching(
        /Hang with Account 1: its handler has run for .* s; Deposit with Account 1: it has waited .* behind Hang/,
      ),
    });
    expect(await hung).toMatchObject({ code: "STOP_FORCED" });
    expect(await behind).toMatchObject({ code: "STOP_FORCED" });
    expect(hang.seen.signal?.aborted).toBe(true);
    await domain.start();
    hang.release();
    await until(() => hang.seen.afterwards.length === 1);
    expect(hang.seen.afterwards).toEqual(["UNIT_OF_WORK_CLOSED"]);
    expect(await domain.process(new Withdraw({ accountId: "1", amount: 0 }))).toBe(0);
  });

  test("an engine's stop ends handlers of events, sent commands and projectors that hang, names them, and they run again later", async () => {
    class Row extends Projection("Row", { accountId: identifier(), n: z.number() }) {}
    const gate = { isShut: true };
    const runs = { row: 0, policy: 0 };
    const wait = (): Promise<void> | undefined => (gate.isShut ? new Promise(() => undefined) : undefined);
    const rows = projector(Row, { run: "async" }).on(Deposited, async (event, { rows: all }) => {
      runs.row += 1;
      await wait();
      await all.create({ accountId: event.accountId, n: event.amount });
    });
    const policy = eventHandlers("Policy").on(Deposited, async () => {
      runs.policy += 1;
      await wait();
    });
    const hang = hanging();
    const domain = await kind.open().start([...bank, hang.handlers, Row, rows, policy]);
    const engine = domain.engine();
    await engine.start();
    await domain.process(new Open({ accountId: "1" }));
    await domain.process(new Deposit({ accountId: "1", amount: 5 }));
    await domain.send(new Hang({ accountId: "1" }));
    await until(() => hang.seen.runs > 0 && runs.row > 0 && runs.policy > 0);
    await expect(engine.stop({ within: 50 })).rejects.toMatchObject({
      code: "STOP_FORCED",
      message: expect.stringMatching(
        /^(?=.*Projection Row: its step has run)(?=.*Policy: its handler has run)(?=.*Hang with Account 1: its handler)/,
      ),
    });
    gate.isShut = false;
    hang.release();
    await engine.start();
    await until(async () => (await domain.view(Row).get("1"))?.n === 5);
    await until(() => hang.seen.runs >= 2);
    await engine.stop();
  });

  test("a span that is none is refused, and nothing is stopped", async () => {
    const domain = await kind.open().start(bank);
    const engine = domain.engine();
    for (const within of [-1, Number.NaN, "5s", {}]) {
      await expect(domain.stop({ within: within as number })).rejects.toMatchObject({ code: "OPTION_INVALID" });
      await expect(engine.stop({ within: within as number })).rejects.toMatchObject({ code: "OPTION_INVALID" });
    }
    await domain.process(new Open({ accountId: "1" }));
  });
});
