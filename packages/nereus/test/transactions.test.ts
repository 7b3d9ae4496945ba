import {
  Command,
  commandHandlers,
  Domain,
  Event,
  EventSourcedAggregate,
  identifier,
  Projection,
  projector,
} from "nereus";
import { memory } from "nereus/memory";
import { given } from "nereus/testing";
import { expect, test } from "vitest";

class Opened extends Event("Opened", { accountId: identifier() }) {}
class Open extends Command("Open", { accountId: identifier() }) {}
class OpenAndAudit extends Command("OpenAndAudit", { accountId: identifier() }) {}
class Account extends EventSourcedAggregate("Account", { accountId: identifier() }).applies(Opened, (it, event) => {
  it.accountId = event.accountId;
}) {}
const opening = commandHandlers(Account)
  .create(Open, ({ accountId }) => Account.create((it) => it.raise(new Opened({ accountId }))))
  .on(OpenAndAudit, async ({ accountId }, { repository, transaction }) => {
    await repository(Account).add(Account.create((it) => it.raise(new Opened({ accountId }))));
    await transaction.query("INSERT INTO audit VALUES ($1)", [accountId]);
  });
class Row extends Projection("Row", { accountId: identifier() }) {}
const rows = projector(Row, { run: "inline" }).on(Opened, async (_, { transaction }) => {
  await transaction.query("SELECT 1");
});
const client = { query: async () => ({ rows: [] }) };

test("a store without SQL refuses a transaction, in handlers and from callers, and stores nothing", async () => {
  const bank = new Domain("bank", { elements: [Account, opening], store: memory() });
  await bank.start();
  const refusal = { code: "TRANSACTION_UNSUPPORTED", element: "memory", fix: expect.stringContaining("store") };
  await expect(bank.process(new OpenAndAudit({ accountId: "1" }))).rejects.toMatchObject(refusal);
  await expect(bank.process(new Open({ accountId: "1" }), { transaction: client })).rejects.toMatchObject(refusal);
  await expect(bank.send(new Open({ accountId: "1" }), { transaction: client })).rejects.toMatchObject(refusal);
  expect(await bank.process(new Open({ accountId: "1" }))).toBe("1"); // it was never opened before
  await bank.stop();
});

test("a projector that wants a transaction is told, in a domain and alone", async () => {
  const bank = new Domain("bank", { elements: [Account, opening, Row, rows], store: memory() });
  await bank.start();
  await expect(bank.process(new Open({ accountId: "1" }))).rejects.toMatchObject({ code: "TRANSACTION_UNSUPPORTED" });
  await bank.stop();
  await expect(given(rows, new Opened({ accountId: "1" })).thenRows([])).rejects.toThrow(/takes no SQL/);
});

test("what is no client, or is waited for to be visible, is refused", async () => {
  const bank = new Domain("bank", { elements: [Account, opening, Row, rows], store: memory() });
  await bank.start();
  for (const transaction of [{}, null, 5, "client"] as never[]) {
    const refused = bank.process(new Open({ accountId: "1" }), { transaction });
    await expect(refused).rejects.toMatchObject({ code: "OPTION_INVALID", message: expect.stringContaining("query") });
  }
  const both = bank.process(new Open({ accountId: "1" }), { transaction: client, visibleIn: [Row] });
  await expect(both).rejects.toMatchObject({ code: "OPTION_INVALID" });
  await bank.stop();
});

test("a handler that takes a transaction out of its context and does not use it runs on every store", async () => {
  const unused = commandHandlers(Account).on(Open, async ({ accountId }, { repository, transaction }) => {
    expect(transaction).toBeTypeOf("object");
    await repository(Account).add(Account.create((it) => it.raise(new Opened({ accountId }))));
  });
  const bank = new Domain("bank", { elements: [Account, unused], store: memory() });
  await bank.start();
  await bank.process(new Open({ accountId: "1" }));
  await bank.stop();
});
