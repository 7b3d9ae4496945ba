import { Command, commandHandlers, Domain, Event, EventSourcedAggregate, identifier } from "nereus";
import { memory } from "nereus/memory";
import { messageDb, readCategory } from "nereus/message-db";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { type MessageDbDatabase, messageDbDatabase, missingPostgres } from "../support/message-db.ts";

class Opened extends Event("Opened", { accountId: identifier() }) {}
class Open extends Command("Open", { accountId: identifier() }) {}
class Account extends EventSourcedAggregate("Account", { accountId: identifier() }).applies(Opened, (it, event) => {
  it.accountId = event.accountId;
}) {}
const opening = commandHandlers(Account).create(Open, ({ accountId }) =>
  Account.create((account) => account.raise(new Opened({ accountId }))),
);

describe.skipIf(missingPostgres !== undefined)("a session with temporary tables named as Message DB's own", () => {
  let database: MessageDbDatabase;
  beforeAll(async () => {
    database = await messageDbDatabase();
  });
  afterAll(() => database.drop());

  test("they take no message, and none is read from them", async () => {
    const pool = database.anotherPool({ max: 1 });
    await pool.query("CREATE TEMP TABLE messages (LIKE message_store.messages INCLUDING ALL)");
    const shop = new Domain("shop", { elements: [Account, opening], store: messageDb({ pool, documents: memory() }) });
    await shop.start();
    await shop.process(new Open({ accountId: "1" }));
    const { rows } = await database.pool.query("SELECT type FROM message_store.messages");
    expect(rows).toEqual([{ type: "Opened" }]);
    const read = { category: "Account", limit: 10 };
    expect(await readCategory(pool, read)).toMatchObject([{ type: "Opened" }]);
    await shop.stop();
  });
});
