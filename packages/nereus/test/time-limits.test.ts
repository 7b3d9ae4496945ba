import { setTimeout } from "node:timers/promises";
import {
  Command,
  commandHandlers,
  type Domain,
  eventHandlers,
  identifier,
  Projection,
  projector,
  Query,
  queryHandlers,
} from "nereus";
import { fakeClock } from "nereus/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { Account, accountCommands, bank, Deposit, Deposited, Open, Withdraw } from "./support/bank.ts";
import { places, RecordedLog } from "./support/places.ts";
import { until } from "./support/until.ts";

class Hang extends Command("Hang", { accountId: identifier() }) {}

/** A handler that waits until the test ends, and what it saw then. */
function hanging(options: { readonly timeout?: number } = {}) {
  const gate = Promise.withResolvers<void>();
  const seen: { signal?: AbortSignal; afterwards: unknown[]; runs: number } = { afterwards: [], runs: 0 };
  const handlers = commandHandlers(Account, options).update(
    Hang,
    async (account, _, { repository, process, signal }) => {
      seen.runs += 1;
      seen.signal = signal;
      await gate.promise;
      const keep = (error: unknown) => seen.afterwards.push((error as { code: string }).code);
      await repository(Account).get("2").catch(keep);
      await process(new Deposit({ accountId: "1", amount: 500 })).catch(keep);
      try {
        account.deposit(1000);
      } catch (error) {
        keep(error);
      }
    },
  );
  onTestFinished(() => gate.resolve());
  return { handlers, seen, release: gate.resolve };
}

const balanceOf = (domain: Domain, accountId = "1") => domain.process(new Withdraw({ accountId, amount: 0 }));

describe.each(places())("on $name", (kind) => {
  test("a handler that never ends: its caller is answered, its signal aborts, those behind it go on, and what it does later counts for nothing", async () => {
    const hang = hanging();
    const domain = await kind.open().start([...bank, hang.handlers]);
    for (const accountId of ["1", "2"]) await domain.process(new Open({ accountId }));
    const late = domain.process(new Hang({ accountId: "1" }), { timeout: 100 });
    const behind = domain.process(new Deposit({ accountId: "1", amount: 7 }));
    await expect(late).rejects.toMatchObject({
      code: "DEADLINE_EXCEEDED",
      message: expect.stringContaining("its handler has run for"),
    });
    expect(hang.seen.signal?.aborted).toBe(true);
    expect(hang.seen.signal?.reason).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await behind;
    hang.release();
    await until(() => hang.seen.afterwards.length === 3);
    expect(hang.seen.afterwards).toEqual(["UNIT_OF_WORK_CLOSED", "UNIT_OF_WORK_CLOSED", "AGGREGATE_READ_ONLY"]);
    expect(await balanceOf(domain)).toBe(7);
  });

  test("with an idempotency key, the one that was ended has taken no effect and may be asked again", async () => {
    const hang = hanging();
    const domain = await kind.open().start([...bank, hang.handlers]);
    await domain.process(new Open({ accountId: "1" }));
    const command = new Hang({ accountId: "1" });
    const options = { idempotencyKey: "k", timeout: 50 };
    await expect(domain.process(command, options)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await expect(domain.process(command, options)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(hang.seen.runs).toBe(2);
    hang.release();
    await until(() => hang.seen.afterwards.length === 6);
    expect(await balanceOf(domain)).toBe(0);
  });

  test("a time limit of a list of handlers holds for its commands, and the caller's is in its place", async () => {
    const hang = hanging({ timeout: 60 });
    const domain = await kind.open().start([...bank, hang.handlers]);
    await domain.process(new Open({ accountId: "1" }));
    await expect(domain.process(new Hang({ accountId: "1" }))).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    const patient = domain.process(new Hang({ accountId: "1" }), { timeout: { minutes: 1 } });
    await until(() => hang.seen.runs === 2);
    await setTimeout(80);
    expect(hang.seen.signal?.aborted).toBe(false);
    hang.release();
    await patient;
  });

  test("a time limit of a domain holds for commands, queries, sent commands and handlers of events", async () => {
    class Row extends Projection("Row", { accountId: identifier(), n: z.number() }) {}
    class Ask extends Query("Ask", {}).returns<number>() {}
    const rows = projector(Row, { run: "async" }).upsert(
      Deposited,
      (e) => e.accountId,
      (e) => ({ accountId: e.accountId, n: 0 }),
      (row) => {
        row.n += 1;
      },
    );
    const asked = queryHandlers(Row).on(Ask, () => new Promise<number>(() => undefined));
    let runs = 0;
    const policy = eventHandlers("Policy", { retries: 1 }).on(Deposited, () => {
      runs += 1;
      return new Promise<void>(() => undefined);
    });
    const hang = hanging();
    const log = new RecordedLog();
    const elements = [...bank, hang.handlers, Row, rows, asked, policy];
    const domain = await kind.open().start(elements, { timeout: { seconds: 0.2 }, log });
    await domain.process(new Open({ accountId: "1" }));
    await expect(domain.process(new Hang({ accountId: "1" }))).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await expect(domain.query(new Ask({}))).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await domain.process(new Deposit({ accountId: "1", amount: 1 }));
    await domain.send(new Hang({ accountId: "1" }));
    const error: unknown = await domain.settle().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "SETTLE_FAILED" });
    expect(runs).toBe(2);
    expect(String(error)).toMatch(/Policy[\s\S]*Hang/);
    expect(hang.seen.runs).toBe(4); // a sent one is tried again: the time of one try was up, not its own
  });

  test("a fake clock moves the time limit of a handler that hangs", async () => {
    const hang = hanging();
    const clock = fakeClock();
    const domain = await kind.open().start([...bank, hang.handlers], { clock });
    await domain.process(new Open({ accountId: "1" }));
    const late = domain.process(new Hang({ accountId: "1" }), { timeout: { hours: 1 } });
    const refused = expect(late).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await until(() => hang.seen.runs === 1);
    clock.advance({ hours: 2 });
    await refused;
  });

  test("a wait for a projection ends with the command's time, and says that the command is stored", async () => {
    class Row extends Projection("Row", { accountId: identifier(), n: z.number() }) {}
    const rows = projector(Row, { run: "async" }).on(Deposited, () => new Promise<void>(() => undefined));
    const domain = await kind.open().start([Account, accountCommands, Row, rows]);
    await domain.process(new Open({ accountId: "1" }));
    const seen = domain.process(new Deposit({ accountId: "1", amount: 5 }), { visibleIn: [Row], timeout: 500 });
    await expect(seen).rejects.toMatchObject({ code: "VISIBILITY_FAILED", cause: { code: "DEADLINE_EXCEEDED" } });
    expect(await balanceOf(domain)).toBe(5);
  });
});
