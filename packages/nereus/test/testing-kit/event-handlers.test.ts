import { AssertionError } from "node:assert";
import {
  applicationService,
  Command,
  commandHandlers,
  Domain,
  type Element,
  Event,
  eventHandlers,
  identifier,
  Projection,
  projector,
  subscriber,
} from "nereus";
import { memory } from "nereus/memory";
import { deliver, given } from "nereus/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  Account,
  Branch,
  BranchRenamed,
  bank,
  Close,
  Closed,
  Deposit,
  Deposited,
  Open,
  Opened,
  RenameBranch,
} from "../support/bank.ts";

const opened = (accountId = "1") => new Opened({ accountId, holder: "Ada" });
const deposited = (amount: number, accountId = "1") => new Deposited({ accountId, amount });
const silent = { warn: () => undefined, error: () => undefined };
const domain = (...more: Element[]) =>
  new Domain("bank", { elements: [...bank, ...more], store: memory(), log: silent });

/** Closes accounts that get too much, gives back a bonus, and names the branch after the last depositor. */
const policies = (run: "inline" | "async") =>
  eventHandlers("Policies", { run, retries: 0 })
    .on(Deposited, async ({ accountId, amount }, { send, process }) => {
      if (amount >= 1000) await send(new Close({ accountId }));
      if (amount === 500) await process(new Deposit({ accountId, amount: 1 }));
      if (amount < 0) throw new RangeError("the mailer is down");
    })
    .on(Closed, async (_, { process }) => {
      await process(new RenameBranch({ branchId: "b", name: "Closed ones" }));
    });

describe.each(["inline", "async"] as const)("%s event handlers", (run) => {
  const branch = new Branch({ branchId: "b", name: "Main" });
  const history = () => given(domain(policies(run)), opened(), branch);

  test("when an event happens, then these commands were sent, and nothing else", async () => {
    await history()
      .when(deposited(1000))
      .thenSent(new Close({ accountId: "1" }))
      .thenNothing();
    await history().when(deposited(999)).thenSent().thenNothing();
    await expect(history().when(deposited(1000)).thenSent()).rejects.toThrow(
      "Other commands were sent than expected\n  1. Close: not expected\n       Close { accountId: '1' }",
    );
    await expect(
      history()
        .when(deposited(1000))
        .thenSent(new Close({ accountId: "2" })),
    ).rejects.toThrow(/1. Close\n {7}accountId: expected '2', but it is '1'/);
    await expect(
      history()
        .when(deposited(1))
        .thenSent(new Close({ accountId: "1" })),
    ).rejects.toThrow("1. Close: missing");
  });

  test("when an event happens, then is what its handlers appended, and what followed from that", async () => {
    await history()
      .when(deposited(500))
      .then(deposited(1))
      .thenState(Account, { balance: 501 })
      .thenEventually(deposited(1));
    await expect(history().when(deposited(500)).thenNothing()).rejects.toThrow("1. Deposited: not expected");
  });

  test("what sent commands lead to comes eventually", async () => {
    const renamed = new BranchRenamed({ branchId: "b", name: "Closed ones" });
    await history()
      .when(deposited(1000))
      .thenNothing()
      .thenEventually(new Closed({ accountId: "1" }), renamed)
      .thenState(Account, { status: "CLOSED" })
      .thenState(Branch, "b", { name: "Closed ones" });
    await expect(history().when(deposited(1000)).thenEventually(renamed)).rejects.toBeInstanceOf(AssertionError);
  });

  test("a command's own events are told from those that follow", async () => {
    const own = run === "inline" ? [deposited(500), deposited(1)] : [deposited(500)];
    const later = run === "inline" ? [] : [deposited(1)];
    await history()
      .when(new Deposit({ accountId: "1", amount: 500 }))
      .then(...own)
      .thenEventually(...later);
    await history()
      .when(new Deposit({ accountId: "1", amount: 1000 }))
      .then(deposited(1000))
      .thenSent(new Close({ accountId: "1" }));
  });

  test("a handler's failure fails the scenario with its own error, unless it is expected", async () => {
    const text = "the mailer is down";
    const failing = await history()
      .when(deposited(-1))
      .thenNothing()
      .catch((error: Error) => error);
    expect([failing, (failing as Error).cause]).toContainEqual(
      expect.objectContaining({ name: "RangeError", message: text }),
    );
    await history().when(deposited(-1)).thenRejected(text);
    await expect(history().when(deposited(-1)).thenRejected("the printer")).rejects.toThrow(
      /another reason[\s\S]*RangeError: the mailer/,
    );
    await expect(history().when(deposited(1)).thenRejected(text)).rejects.toBeInstanceOf(AssertionError);
  });

  test("a sent command that fails, fails what waits for it, but not what was sent", async () => {
    const nobody = () => given(domain(policies(run))).when(deposited(1000));
    await nobody().thenSent(new Close({ accountId: "1" }));
    const failure = await nobody()
      .thenEventually()
      .catch((error: Error) => error);
    expect(failure).toMatchObject({ code: "SENT_COMMAND_FAILED" });
    expect((failure as Error).cause).toMatchObject({ code: "VALIDATION_FAILED" });
  });

  test("what is given was handled before", async () => {
    const bankOf = domain(policies(run));
    await given(bankOf, opened(), deposited(-1), deposited(500), deposited(1000))
      .when(deposited(7))
      .thenNothing()
      .thenSent()
      .thenState(Account, { balance: 1506 });
    await given(bankOf, deposited(-2), deposited(500)).when(deposited(7)).thenNothing().thenEventually();
    await given(bankOf, opened("2"), deposited(-2, "2")).when(deposited(500, "2")).then(deposited(1, "2"));
  });
});

test("all handlers of an event that fail are named", async () => {
  const fail = (text: string) => () => {
    throw new Error(text);
  };
  for (const run of ["inline", "async"] as const) {
    const failing = eventHandlers("Failing", { run, retries: 0 }).on(Opened, fail("one")).on(Opened, fail("two"));
    await given(domain(failing)).when(opened()).thenRejected("one");
    await given(domain(failing)).when(opened()).thenRejected("two");
  }
});

test("a failing async handler fails a row that is waited for", async () => {
  class Row extends Projection("Row", { accountId: identifier() }) {}
  const rows = projector(Row, { run: "async" }).create(Opened, ({ accountId }) => ({ accountId }));
  const failing = eventHandlers("Failing", { retries: 0 }).on(Opened, () => {
    throw new Error("out of stamps");
  });
  await expect(
    given(domain(Row, rows, failing))
      .when(new Open({ accountId: "1" }))
      .thenRow(Row, "1", {}),
  ).rejects.toMatchObject({
    code: "EVENT_HANDLER_FAILED",
    cause: { message: "out of stamps" },
  });
});

test("a broker's message reaches its subscriber, once by its id", async () => {
  const message = z.object({ account: z.string(), cents: z.number().int() });
  const gateway = subscriber("Gateway", { stream: "payments", message }, async ({ account, cents }, { process }) => {
    await process(new Deposit({ accountId: account, amount: cents }));
  });
  const bankOf = domain(gateway);
  await given(bankOf, opened());
  await deliver(bankOf, gateway, { account: "1", cents: 5 }, { id: "m-1" });
  await deliver(bankOf, gateway, { account: "1", cents: 5 }, { id: "m-1" });
  await deliver(bankOf, gateway, { account: "1", cents: 2 });
  await given(bankOf)
    .when(new Deposit({ accountId: "1", amount: 0 }))
    .thenState(Account, { balance: 7 });
  // @ts-expect-error a message is typed as the schema takes it
  await expect(deliver(bankOf, gateway, { account: "1" })).rejects.toMatchObject({ code: "VALIDATION_FAILED" });
  await expect(deliver(domain(), gateway, { account: "1", cents: 5 })).rejects.toMatchObject({
    code: "UNKNOWN_SERVICE",
  });
});

test("whatever else is done with a domain can be tested: use cases, messages, queries", async () => {
  const teller = applicationService("Teller", {
    async deposit({ process }, accountId: string, amount: number) {
      await process(new Deposit({ accountId, amount }));
      return "done";
    },
  });
  await given(domain(teller, policies("inline")), opened())
    .when((bankOf) => bankOf.service(teller).deposit("1", 500))
    .then(deposited(500), deposited(1))
    .thenResult("done")
    .thenState(Account, "1", { balance: 501 })
    .when((bankOf) => bankOf.service(teller).deposit("2", 5))
    .thenRejected("AGGREGATE_NOT_FOUND");
});

test("values of every kind reach commands that are sent", async () => {
  class Noted extends Event("Noted", { accountId: identifier(), on: z.date(), sum: z.bigint() }) {}
  class Note extends Command("Note", { accountId: identifier(), on: z.date(), sum: z.bigint() }) {}
  const on = new Date("2026-01-02");
  const handlers = eventHandlers("Notes").on(Deposited, ({ accountId }, { send }) =>
    send(new Note({ accountId, on, sum: 3n })),
  );
  const notes = commandHandlers(Account).update(Note, () => undefined);
  const bankOf = () => domain(handlers, notes, Noted);
  await given(bankOf(), opened())
    .when(deposited(1))
    .thenSent(new Note({ accountId: "1", on, sum: 3n }));
  await expect(
    given(bankOf(), opened())
      .when(deposited(1))
      .thenSent(new Note({ accountId: "1", on, sum: 4n })),
  ).rejects.toThrow(/sum: expected 4n, but it is 3n/);
});
