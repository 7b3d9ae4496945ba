import { randomUUID } from "node:crypto";
import { join } from "node:path";
import {
  Command,
  commandHandlers,
  Domain,
  type Element,
  Event,
  EventSourcedAggregate,
  eventHandlers,
  identifier,
} from "nereus";
import { messageDb } from "nereus/message-db";
import { sqlite } from "nereus/sqlite";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { type MessageDbDatabase, messageDbDatabase, missingPostgres } from "../support/message-db.ts";
import { RecordedLog, temporaryFolder } from "../support/places.ts";

class Opened extends Event("Opened", { accountId: identifier() }) {}
class Deposited extends Event("Deposited", { accountId: identifier(), amount: z.number().int() }) {}
class Account extends EventSourcedAggregate("account", { accountId: identifier(), balance: z.number().default(0) })
  .applies(Opened, (account, { accountId }) => {
    account.accountId = accountId;
  })
  .applies(Deposited, (account, { amount }) => {
    account.balance += amount;
  }) {}
class Open extends Command("Open", { accountId: identifier() }) {}
class Deposit extends Command("Deposit", { accountId: identifier(), amount: z.number().int() }) {}
class Close extends Command("Close", { accountId: identifier() }) {}
class Ask extends Command("Ask", { accountId: identifier() }).returns<number>() {}
const opening = commandHandlers(Account).create(Open, ({ accountId }) =>
  Account.create((account) => account.raise(new Opened({ accountId }))),
);
const handlers = opening
  .update(Deposit, (account, { amount }) => account.raise(new Deposited({ accountId: account.accountId, amount })))
  .on(Ask, async ({ accountId }, { repository }) => (await repository(Account).get(accountId)).balance);

/** Another application: its own second store, and a list of handlers and commands that may have the names of another's. */
function noting(name: string): {
  readonly Do: typeof Command.prototype & (new (fields: { id: string }) => object);
  readonly elements: readonly Element[];
} {
  class Noted extends Event(`${name}Noted`, { id: identifier() }) {}
  class Note extends EventSourcedAggregate(`${name}Note`, { id: identifier() }).applies(Noted, (note, { id }) => {
    note.id = id;
  }) {}
  class Do extends Command("Do", { id: identifier() }).returns<string>() {}
  const commands = commandHandlers(Note).create(Do, ({ id }) => Note.create((note) => note.raise(new Noted({ id }))));
  const notes = eventHandlers("Notes").on(Opened, async ({ accountId }, { repository }) => {
    await repository(Note).add(Note.create((note) => note.raise(new Noted({ id: accountId }))));
  });
  return { Do, elements: [Opened, Note, commands, notes] };
}

describe.skipIf(missingPostgres !== undefined)("applications that share a log", () => {
  let database: MessageDbDatabase;
  beforeAll(async () => {
    database = await messageDbDatabase();
  });
  beforeEach(() => database.empty());
  afterAll(() => database.drop());

  async function start(
    name: string,
    elements: readonly Element[],
    path = join(temporaryFolder(), "books.db"),
    patience = 30_000,
  ): Promise<Domain> {
    const store = messageDb({ pool: database.pool, documents: sqlite(path, { synchronous: "NORMAL" }), patience });
    const domain = new Domain(name, { elements, store, log: new RecordedLog() });
    await domain.start();
    onTestFinished(() => domain.stop());
    return domain;
  }

  /** As any client of Message DB writes; it may let its transaction wait. */
  async function write(stream: string, type: string, data: object, during?: () => Promise<unknown>): Promise<void> {
    const client = await database.pool.connect();
    try {
      await client.query(
        "BEGIN; SET LOCAL search_path TO message_store; SET LOCAL application_name TO 'savings service'",
      );
      await client.query("SELECT write_message($1, $2, $3, $4)", [randomUUID(), stream, type, JSON.stringify(data)]);
      await during?.();
      await client.query("COMMIT");
    } finally {
      client.release();
    }
  }

  async function streams(type: string): Promise<readonly string[]> {
    const text = "SELECT stream_name AS name FROM message_store.messages WHERE type LIKE $1 ORDER BY 1";
    return (await database.pool.query<{ name: string }>(text, [type])).rows.map(({ name }) => name);
  }

  test("steps of handlers, and idempotency keys, belong to one of them, also when they start again", async () => {
    const paths = [join(temporaryFolder(), "mail.db"), join(temporaryFolder(), "audit.db")] as const;
    const [mail, audit] = [noting("Mail"), noting("Audit")];
    const domains = [
      await start("mail", mail.elements, paths[0]),
      await start("audit", audit.elements, paths[1]),
    ] as const;
    await write("account-1", "Opened", { accountId: "1" });
    for (const domain of domains) await domain.settle();
    expect(await streams("%Noted")).toEqual(["AuditNote-1", "MailNote-1"]);
    const keyed = { idempotencyKey: "k" };
    expect(await domains[0].process(new mail.Do({ id: "x" }), keyed)).toBe("x");
    expect(await domains[1].process(new audit.Do({ id: "y" }), keyed)).toBe("y");
    for (const domain of domains) await domain.stop();
    const again = await start("audit", audit.elements, paths[1]);
    expect(await again.process(new audit.Do({ id: "y" }), keyed)).toBe("y");
    await again.settle();
    expect(await streams("%Noted")).toEqual(["AuditNote-1", "AuditNote-y", "MailNote-1", "MailNote-x"]);
  });

  test("a domain handles the commands of its own categories and types; all others are passed over", async () => {
    await write("account:command-1", "Deposit", { accountId: "1", amount: 7 }); // before it was there: not for it
    const bank = await start("bank", [Account, handlers]);
    await bank.process(new Open({ accountId: "1" }));
    await write("payment:command-1", "Charge", { amount: 3 });
    await write("account:command-1", "Freeze", { accountId: "1" });
    await write("savings:command-9", "Deposit", { accountId: "1", amount: 1000 });
    await write("account:command-1", "Deposit", { accountId: "1", amount: 5 }); // an Eventide client asks
    await bank.send(new Deposit({ accountId: "1", amount: 30 }));
    await bank.settle();
    expect(await bank.process(new Ask({ accountId: "1" }))).toBe(35);
  });

  test("settle returns when every commit that was answered before is read, or names who is in the way", async () => {
    const heard: string[] = [];
    const notes = eventHandlers("Notes").on(Opened, ({ accountId }) => void heard.push(accountId));
    const elements = [Account, handlers, notes];
    const bank = await start("bank", elements);
    const hasty = await start("hasty", elements, undefined, 50);
    let settled: Promise<void> | undefined;
    await write("savings-1", "Deposited", {}, async () => {
      await bank.process(new Open({ accountId: "1" }));
      settled = bank.settle();
      await expect(hasty.settle()).rejects.toMatchObject({
        code: "STORE_LOCKED",
        message: expect.stringContaining("savings service"),
      });
      expect(heard).toEqual([]);
    });
    await settled;
    expect(heard).toEqual(["1"]);
    await hasty.settle();
    expect(heard).toEqual(["1", "1"]);
  });

  test("a release passes over no command that another release handles", async () => {
    const path = join(temporaryFolder(), "books.db");
    const older = await start("bank", [Account, handlers], path);
    await older.process(new Open({ accountId: "1" }));
    await older.settle();
    const closing = handlers.update(Close, (account) =>
      account.raise(new Deposited({ accountId: "1", amount: -account.balance })),
    );
    const newer = await start("bank", [Account, closing], path);
    await newer.send(new Deposit({ accountId: "1", amount: 5 }));
    await newer.send(new Close({ accountId: "1" }));
    await newer.send(new Deposit({ accountId: "1", amount: 70 }));
    await newer.stop();
    await expect(older.settle()).rejects.toMatchObject({
      code: "SENT_COMMAND_FAILED",
      message: expect.stringContaining("Close"),
    });
    await older.stop();
    const last = await start("bank", [Account, closing], path);
    await last.settle();
    expect(await streams("Deposited")).toHaveLength(3);
    expect(await last.process(new Ask({ accountId: "1" }))).toBe(0);
  });
});
