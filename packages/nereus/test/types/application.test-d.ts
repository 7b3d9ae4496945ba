import {
  Aggregate,
  Command,
  commandHandlers,
  Domain,
  Event,
  EventSourcedAggregate,
  type EventSourcedRepository,
  type HistoryEntry,
  identifier,
  type PastOptions,
  Projection,
  projector,
  Query,
  queryHandlers,
  type View,
} from "nereus";
import { memory } from "nereus/memory";
import { sqlite } from "nereus/sqlite";
import { given } from "nereus/testing";
import { z } from "zod";
import { assertType, type Equal } from "./equal.ts";

class Opened extends Event("Opened", { accountId: identifier(), holder: z.string() }) {}
class Deposited extends Event("Deposited", { accountId: identifier(), amount: z.number() }) {}
class Account extends EventSourcedAggregate("Account", { accountId: identifier(), balance: z.number().default(0) })
  .applies(Opened, () => undefined)
  .applies(Deposited, () => undefined) {}
class Product extends Aggregate("Product", { productId: identifier(), name: z.string() }) {}
class Open extends Command("Open", { accountId: identifier(), holder: z.string() }).returns<string>() {}
class Deposit extends Command("Deposit", { accountId: identifier(), amount: z.number() }) {}
class Balance extends Command("Balance", { accountId: identifier() }).returns<number>() {}
class Summary extends Projection(
  "Summary",
  {
    accountId: identifier(),
    holder: z.string(),
    balance: z.number(),
    on: z.date(),
    big: z.bigint(),
    transactions: z.number().default(0),
    note: z.string().nullable().default(null),
  },
  { indexes: [["holder"], ["holder", "balance"]] },
) {}
class Find extends Query("Find", { holder: z.string() }).returns<Summary[]>() {}
class Count extends Query("Count", {}).returns<number>() {}

export const commands = commandHandlers(Account)
  .create(Open, (command) => {
    assertType<Equal<typeof command, Open>>();
    return Account.create((account) =>
      account.raise(new Opened({ accountId: command.accountId, holder: command.holder })),
    );
  })
  .update(Deposit, (account, command) => {
    assertType<Equal<typeof account, Account>>();
    assertType<Equal<typeof command, Deposit>>();
  })
  .update(Balance, (account) => account.balance)
  .on(Balance, async ({ accountId }, { repository, process, query, metadata, clock }) => {
    const accounts = repository(Account);
    assertType<Equal<typeof accounts, EventSourcedRepository<Account>>>();
    const account = await accounts.get(accountId);
    assertType<Equal<typeof account, Account>>();
    const found = await accounts.find(accountId);
    assertType<Equal<typeof found, Account | undefined>>();
    const id = await process(new Open({ accountId, holder: "Ada" }));
    assertType<Equal<typeof id, string>>();
    const summaries = await query(new Find({ holder: "Ada" }));
    assertType<Equal<typeof summaries, Summary[]>>();
    for await (const entry of accounts.history(accountId)) assertType<Equal<typeof entry, HistoryEntry>>();
    assertType<Equal<typeof metadata.tenant, string>>();
    assertType<Equal<ReturnType<typeof clock.now>, Date>>();
    await accounts.get(accountId, { atVersion: 1 });
    await accounts.get(accountId, { asOf: new Date(), by: "occurred" });
    // @ts-expect-error a version is a number
    await accounts.get(accountId, { atVersion: "1" });
    // @ts-expect-error not a way to look at the past
    await accounts.get(accountId, { asOf: new Date(), by: "told" });
    // @ts-expect-error an identity is a text
    await accounts.get(1);
    // @ts-expect-error an aggregate of another class
    await accounts.add(new Product({ name: "x" }));
    // @ts-expect-error not an aggregate
    repository(Summary);
    // @ts-expect-error not a command
    await process(new Opened({ accountId, holder: "Ada" }));
    return account.balance;
  });

// @ts-expect-error a create handler returns the aggregate
commandHandlers(Account).create(Open, () => "1");
// @ts-expect-error a create handler returns an aggregate of its class
commandHandlers(Account).create(Open, () => new Product({ name: "x" }));
// @ts-expect-error the handler answers what the command returns
commandHandlers(Account).update(Balance, () => "1");
// @ts-expect-error the handler answers what the command returns
commandHandlers(Account).on(Balance, async () => "1");
// @ts-expect-error a create answers the identity, so the command returns a string
commandHandlers(Account).create(Balance, () => Account.create(() => undefined));
// @ts-expect-error not a field of the command
commandHandlers(Account).update(Deposit, (_, { holder }) => void holder);
// @ts-expect-error not a member of the aggregate
commandHandlers(Account).update(Deposit, (account) => account.withdraw());
// @ts-expect-error the parameter is the aggregate
commandHandlers(Account).update(Deposit, (_: Product) => undefined);
// @ts-expect-error an event is no command
commandHandlers(Account).on(Opened, () => undefined);
// @ts-expect-error a projection has no commands
commandHandlers(Summary);

export const summaries = projector(Summary, { run: "async", version: 1 })
  .create(Opened, (event, metadata) => {
    assertType<Equal<typeof event, Opened>>();
    assertType<Equal<typeof metadata.recordedAt, Date>>();
    return { accountId: event.accountId, holder: event.holder, balance: 0, on: metadata.recordedAt, big: 1n };
  })
  .update(
    Deposited,
    (event) => event.accountId,
    (row, event) => {
      assertType<Equal<typeof row, Summary>>();
      row.balance += event.amount;
      // @ts-expect-error not a field of the row
      row.colour = "red";
      // @ts-expect-error a field of the wrong type
      row.balance = "1";
    },
  )
  .upsert(
    Deposited,
    (event) => event.accountId,
    (event) => ({ accountId: event.accountId, holder: "", balance: 0, on: new Date(), big: 0n }),
    (row) => void row.transactions++,
  )
  .remove(Deposited, (event) => event.accountId)
  .on(Opened, async (event, { rows }) => {
    const row = await rows.get(event.accountId);
    assertType<Equal<typeof row, Summary | undefined>>();
    // @ts-expect-error a row without all of its fields
    await rows.create({ accountId: "1" });
  });
const of = projector(Summary, { run: "inline" });
// @ts-expect-error a row without all of its fields
of.create(Opened, (event) => ({ accountId: event.accountId }));
// @ts-expect-error a row with a field of the wrong type
of.create(Opened, (event) => ({ accountId: event.accountId, holder: 7, balance: 0, on: new Date(), big: 0n }));
const amountOf = (event: Deposited): number => event.amount;
// @ts-expect-error a key is a text
of.update(Deposited, amountOf, () => {});
// @ts-expect-error a key is a text
of.remove(Deposited, (event) => event.amount);
// @ts-expect-error not a field of the event
of.remove(Opened, (event) => event.amount);
// @ts-expect-error a command is no event
of.create(Open, () => undefined);
// @ts-expect-error projections are inline or async
projector(Summary, { run: "sometimes" });
// @ts-expect-error how it runs must be said
projector(Summary, {});
// @ts-expect-error not a projection
projector(Account, { run: "async" });
// @ts-expect-error an index of fields that there are
Projection("X", { id: identifier() }, { indexes: [["name"]] });
// @ts-expect-error a field is missing
new Summary({ accountId: "1" });

export const queries = queryHandlers(Summary)
  .on(Find, ({ holder }, { view, viewOf, repository }) => {
    assertType<Equal<typeof view, View<Summary>>>();
    assertType<Equal<ReturnType<typeof viewOf<Summary>>, View<Summary>>>();
    // @ts-expect-error queries only read
    repository(Account).add(Account.create(() => undefined));
    return view.find({ where: { holder } });
  })
  .on(Count, (_, { view }) => view.count());
// @ts-expect-error the handler answers what the query returns
queryHandlers(Summary).on(Count, () => "1");
// @ts-expect-error the handler answers what the query returns
queryHandlers(Summary).on(Find, (_, { view }) => view.count());
// @ts-expect-error not a field of the query
queryHandlers(Summary).on(Find, ({ colour }) => colour);
// @ts-expect-error a command is no query
queryHandlers(Summary).on(Open, () => "1");
// @ts-expect-error an aggregate has no view
queryHandlers(Account);

declare const view: View<Summary>;
view.find({
  where: { holder: "Ada", balance: { gte: 1, lt: 5 }, on: { gt: new Date() }, big: 1n, note: null },
  orderBy: { balance: "desc" },
  limit: 1,
  offset: 1,
});
view.count({ holder: { in: ["Ada"], contains: "A" } });
// @ts-expect-error not a field
view.find({ where: { colour: "red" } });
// @ts-expect-error a value of the wrong type
view.find({ where: { balance: "1" } });
// @ts-expect-error a value of the wrong type
view.find({ where: { balance: { gte: "1" } } });
// @ts-expect-error not a comparison
view.find({ where: { balance: { like: 1 } } });
// @ts-expect-error numbers contain nothing
view.find({ where: { balance: { contains: "1" } } });
// @ts-expect-error in takes a list
view.find({ where: { balance: { in: 1 } } });
// @ts-expect-error not a field
view.find({ orderBy: { colour: "asc" } });
// @ts-expect-error not a direction
view.find({ orderBy: { balance: "up" } });
// @ts-expect-error not a field
view.count({ colour: "red" });
// @ts-expect-error undefined would select everything
view.find({ where: { holder: undefined } });
// @ts-expect-error an identity is a text
view.get(1);

export const domain = new Domain("bank", {
  elements: [Account, Product, commands, Summary, summaries, queries, Opened, Open, Find],
  store: memory(),
});
export const id = await domain.process(new Open({ accountId: "1", holder: "Ada" }), {
  idempotencyKey: "k",
  expectedVersion: 1,
  visibleIn: [Summary],
  deadline: new Date(),
  tenant: "t",
});
assertType<Equal<typeof id, string>>();
export const balance = await domain.process(new Balance({ accountId: "1" }));
assertType<Equal<typeof balance, number>>();
export const nothing = await domain.process(new Deposit({ accountId: "1", amount: 1 }));
assertType<Equal<typeof nothing, void>>();
export const found = await domain.query(new Find({ holder: "Ada" }));
assertType<Equal<typeof found, Summary[]>>();
export const row = await domain.view(Summary).get("1");
assertType<Equal<typeof row, Summary | undefined>>();
// @ts-expect-error not a command
domain.process(new Opened({ accountId: "1", holder: "Ada" }));
// @ts-expect-error not a command
domain.process({ accountId: "1" });
// @ts-expect-error the result is a string
export const wrong: number = await domain.process(new Open({ accountId: "1", holder: "Ada" }));
// @ts-expect-error an unknown option
domain.process(new Open({ accountId: "1", holder: "Ada" }), { idempotency: "k" });
// @ts-expect-error an aggregate is never waited for
domain.process(new Open({ accountId: "1", holder: "Ada" }), { visibleIn: [Account] });
// @ts-expect-error an event is no query
domain.query(new Opened({ accountId: "1", holder: "Ada" }));
// @ts-expect-error a query is asked, not processed
domain.process(new Find({ holder: "Ada" }));
// @ts-expect-error a command is processed, not asked
domain.query(new Open({ accountId: "1", holder: "Ada" }));
// @ts-expect-error one past at a time
export const past: PastOptions = { atVersion: 1, asOf: new Date() };
// @ts-expect-error an aggregate has no view
domain.view(Account);
// @ts-expect-error not an element
new Domain("bank", { elements: [{}], store: memory() });
// @ts-expect-error a store is missing
new Domain("bank", { elements: [] });
// @ts-expect-error not a store
new Domain("bank", { elements: [], store: "bank.db" });
sqlite("bank.db", { synchronous: "NORMAL" });
// @ts-expect-error not a mode
sqlite("bank.db", { synchronous: "OFF" });

export const scenario = given(domain, new Opened({ accountId: "1", holder: "Ada" })).when(
  new Balance({ accountId: "1" }),
);
scenario.thenState(Account, { balance: 1 });
scenario.thenRow(Summary, "1", { balance: 1 });
// @ts-expect-error not a field of the aggregate
scenario.thenState(Account, { colour: "red" });
// @ts-expect-error a field of the wrong type
scenario.thenState(Account, { balance: "1" });
// @ts-expect-error not a field of the row
scenario.thenRow(Summary, "1", { colour: "red" });

// a projector makes rows of the projection's own fields and no others
class Shown extends Projection("Shown", {
  id: identifier(),
  state: z.enum(["OPEN", "SHUT"]),
  n: z.number().default(0),
}) {}
class Seen extends Event("Seen", { id: identifier(), state: z.enum(["OPEN", "SHUT"]), n: z.number() }) {}
class Wider extends Event("Wider", { id: identifier(), state: z.enum(["OPEN", "SHUT"]), more: z.number() }) {}
export const shown = projector(Shown, { run: "async" })
  .create(Seen, (event) => ({ id: event.id, state: "OPEN" }))
  .create(Seen, (event) => ({ ...event }))
  .create(Seen, (event) => new Shown({ ...event }))
  .create(Seen, (event) => (event.n > 0 ? { id: event.id, state: "OPEN", n: 1 } : { id: event.id, state: "SHUT" }))
  // @ts-expect-error a field that the row does not have
  .create(Seen, (event) => ({ id: event.id, state: "OPEN", colour: "red" }))
  // @ts-expect-error the event has a field that the row does not have
  .create(Wider, (event) => ({ ...event }))
  // @ts-expect-error a value that the field does not take
  .create(Seen, (event) => ({ id: event.id, state: "HALF" }))
  .upsert(
    Seen,
    (event) => event.id,
    // @ts-expect-error a field that the row does not have
    (event) => ({ id: event.id, state: "OPEN", colour: "red" }),
    (row) => {
      row.n += 1;
    },
  );
