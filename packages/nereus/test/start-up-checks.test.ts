// Every fault that start-up can find, each alone; then many at once; then models that have none.
import { readdirSync, readFileSync } from "node:fs";
import {
  Aggregate,
  applicationService,
  Command,
  commandHandlers,
  domainService,
  Entity,
  Event,
  EventSourcedAggregate,
  EventSourcedRepository,
  eventHandlers,
  hasMany,
  hasOne,
  identifier,
  Projection,
  projector,
  Query,
  queryHandlers,
  Repository,
  reference,
  status,
  subscriber,
  ValueObject,
} from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Account } from "../../../examples/fidelis/src/accounts/account.ts";
import { accountCommands } from "../../../examples/fidelis/src/accounts/account-commands.ts";
import { AccountSummary, accountSummaries } from "../../../examples/fidelis/src/dashboard/account-summary.ts";
import { balanceQuestions, statementQuestions } from "../../../examples/fidelis/src/dashboard/questions.ts";
import { StatementLine, statementLines } from "../../../examples/fidelis/src/dashboard/statement-line.ts";
import { describeModel } from "../src/domain/describe-model.ts";
import { checkModel } from "../src/domain/model-check.ts";
import { definition } from "../src/model/element.ts";
import { errorCodes } from "../src/model/errors.ts";
import { bank } from "./support/bank.ts";

const found = (elements: readonly unknown[]): string[] =>
  checkModel("shop", elements).faults.map(({ code, element }) => `${code} ${element}`);

const any = (value: unknown): any => value;

class Placed extends Event("Placed", { orderId: identifier() }) {}
class Shipped extends Event("Shipped", { orderId: identifier() }) {}
class Arrived extends Event("Arrived", { parcelId: identifier() }) {}
class Order extends EventSourcedAggregate("Order", { orderId: identifier() })
  .applies(Placed, (order, event) => {
    order.orderId = event.orderId;
  })
  .applies(Shipped, () => undefined) {}
class Stock extends Aggregate("Stock", {
  stockId: identifier(),
  sku: z.string(),
  tags: z.array(z.string()).default([]),
}) {}
class Place extends Command("Place", { orderId: identifier() }) {}
class Ship extends Command("Ship", { orderId: identifier() }) {}
class Row extends Projection("Row", { orderId: identifier(), state: z.string() }) {}
class Ask extends Query("Ask", {}) {}
class Money extends ValueObject("Money", { amount: z.bigint(), currency: z.string() }) {}

const rows = projector(Row, { run: "async" }).create(Placed, ({ orderId }) => ({ orderId, state: "placed" }));
const nothing = (): undefined => undefined;
const aggregate = (name: string, shape: object = {}, options: object = {}): any =>
  class extends Aggregate(name, { id: identifier(), ...shape } as any, options as any) {};

/** What is listed, and every fault that comes of it. */
const cases: Record<string, { elements: () => readonly unknown[]; faults: readonly string[]; says?: RegExp }> = {
  "null is listed": {
    elements: () => [null],
    faults: ["ELEMENT_UNKNOWN shop"],
    says: /elements\[0\] is null, which is not an element/,
  },
  "nothing is listed in a place": { elements: () => [undefined, Stock], faults: ["ELEMENT_UNKNOWN shop"] },
  "a hole is in the list": { elements: () => new Array(1), faults: ["ELEMENT_UNKNOWN shop"] },
  "a text is listed": { elements: () => ["Order"], faults: ["ELEMENT_UNKNOWN shop"], says: /the text "Order"/ },
  "a number, a symbol and a bigint are listed": {
    elements: () => [7, Symbol("x"), 7n],
    faults: ["ELEMENT_UNKNOWN shop", "ELEMENT_UNKNOWN shop", "ELEMENT_UNKNOWN shop"],
  },
  "a class of the user's own is listed": {
    elements: () => [class Mailer {}],
    faults: ["ELEMENT_UNKNOWN shop"],
    says: /the class Mailer/,
  },
  "a function that returns an element is listed": {
    elements: () => [function alerts() {}],
    faults: ["ELEMENT_UNKNOWN shop"],
    says: /the function alerts, .*call it/,
  },
  "a service without what it does is listed": {
    elements: () => [Order, Stock, domainService("Allocate", { order: Order, stock: Stock })],
    faults: ["ELEMENT_UNKNOWN shop"],
  },
  "an instance is listed": {
    elements: () => [new Money({ amount: 1n, currency: "CZK" })],
    faults: ["ELEMENT_UNKNOWN shop"],
    says: /an instance of Money/,
  },
  "a list of elements is listed": {
    elements: () => [[Stock]],
    faults: ["ELEMENT_UNKNOWN shop"],
    says: /a list, which is not an element .*Spread it/,
  },
  "forged definitions are listed": {
    elements: () => [
      { [definition]: null },
      { [definition]: { kind: "aggregate", name: "Forged" } },
      { [definition]: { kind: "toString", name: "Forged too" } },
      new Proxy(
        {},
        {
          has() {
            throw new Error("no");
          },
        },
      ),
    ],
    faults: ["ELEMENT_UNKNOWN shop", "ELEMENT_UNKNOWN shop", "ELEMENT_UNKNOWN shop", "ELEMENT_UNKNOWN shop"],
  },
  "a definition of another version is listed": {
    elements: () => [{ [definition]: { kind: "aggregate", name: "Old", fields: {} } }],
    faults: ["ELEMENT_UNKNOWN shop"],
    says: /the aggregate Old, .*another version/,
  },

  "two classes have one schema that cannot be stored": {
    elements: () => {
      const schema = z.array(z.symbol());
      return [class extends Event("One", { schema }) {}, class extends Event("Two", { schema }) {}];
    },
    faults: ["SCHEMA_UNSUPPORTED One", "SCHEMA_UNSUPPORTED Two"],
  },
  "references are undefined": {
    elements: () => [
      aggregate("Bill", { a: reference(any(undefined)), b: z.array(reference(any(undefined)).optional()) }),
    ],
    faults: ["REFERENCE_UNKNOWN Bill", "REFERENCE_UNKNOWN Bill"],
    says: /the reference a names nothing: it is given undefined \(where two files .*reference\("Customer"\) or reference\(\(\) =>/,
  },

  "an aggregate is listed twice": { elements: () => [Stock, Stock], faults: ["ELEMENT_DUPLICATE Stock"] },
  "handlers are listed twice": {
    elements: () => {
      const handlers = commandHandlers(Order).update(Ship, nothing);
      return [Order, handlers, handlers];
    },
    faults: ["ELEMENT_DUPLICATE commandHandlers(Order)"],
    says: /listed twice/,
  },
  "an event is listed twice": { elements: () => [Arrived, Arrived], faults: ["ELEMENT_DUPLICATE Arrived"] },
  "two aggregates have one name": {
    elements: () => [aggregate("Same"), aggregate("Same")],
    faults: ["ELEMENT_DUPLICATE Same"],
  },
  "an aggregate and a projection have one name": {
    elements: () => [aggregate("Row"), Row, Order, rows],
    faults: ["ELEMENT_DUPLICATE Row", "PROJECTION_UNREGISTERED Row"],
    says: /the kinds aggregate and projection share it/,
  },
  "two event handlers have one name": {
    elements: () => [Order, eventHandlers("Mails").on(Placed, nothing), eventHandlers("Mails").on(Shipped, nothing)],
    faults: ["ELEMENT_DUPLICATE Mails"],
  },
  "two application services have one name": {
    elements: () => [applicationService("Signup", { a: nothing }), applicationService("Signup", { b: nothing })],
    faults: ["ELEMENT_DUPLICATE Signup"],
  },
  "two domain services have one name": {
    elements: () => {
      const build = () => domainService("Move", { one: Stock, other: Stock }).does(nothing);
      return [Stock, build(), build()];
    },
    faults: ["ELEMENT_DUPLICATE Move"],
  },
  "two subscribers have one name": {
    elements: () => {
      const build = () => subscriber("Gateway", { stream: "payments", message: z.object({}) }, nothing);
      return [build(), build()];
    },
    faults: ["ELEMENT_DUPLICATE Gateway"],
  },
  "an event handler has no name": {
    elements: () => [Order, eventHandlers("").on(Placed, nothing), eventHandlers(any(undefined)).on(Placed, nothing)],
    faults: ["ELEMENT_NAME_INVALID eventHandlers", "ELEMENT_NAME_INVALID eventHandlers"],
  },
  "two value objects have one name": {
    elements: () => {
      const Other = class extends ValueObject("Money", { cents: z.number() }) {};
      return [aggregate("Bill", { total: Money, fee: Other.schema().optional() })];
    },
    faults: ["ELEMENT_DUPLICATE Money"],
  },
  "an aggregate holds two entities of one name": {
    elements: () => {
      const Line = class extends Entity("Line", { id: identifier() }) {};
      const Other = class extends Entity("Line", { no: identifier() }) {};
      return [aggregate("Bill", { lines: hasMany(Line), others: hasMany(Other) })];
    },
    faults: ["ELEMENT_DUPLICATE Line"],
    says: /Bill holds two entities/,
  },
  "a version of a projector keeps its rows where another projection does": {
    elements: () => {
      const Other = class extends Projection("Row_v2", { orderId: identifier() }) {};
      const again = projector(Row, { run: "async", version: 2 }).on(Placed, async () => undefined);
      return [Order, Row, again, Other, projector(Other, { run: "async" }).on(Placed, async () => undefined)];
    },
    faults: ["ELEMENT_DUPLICATE Row_v2"],
  },

  "two event classes have one name, and one is only handled": {
    elements: () => {
      const Twin = class extends Event("Placed", { no: z.number() }) {};
      return [Order, eventHandlers("Mails").on(Twin, nothing)];
    },
    faults: ["EVENT_NAME_DUPLICATE Placed"],
    says: /Order and Mails mean two classes/,
  },
  "two command classes have one name": {
    elements: () => {
      const Twin = class extends Command("Ship", { orderId: identifier() }) {};
      return [Order, Twin, commandHandlers(Order).update(Ship, nothing)];
    },
    faults: ["COMMAND_NAME_DUPLICATE Ship"],
  },
  "two query classes have one name": {
    elements: () => {
      const Twin = class extends Query("Ask", {}) {};
      return [Order, Row, rows, Twin, queryHandlers(Row).on(Ask, nothing)];
    },
    faults: ["QUERY_NAME_DUPLICATE Ask"],
  },

  "a reference names an aggregate that is not listed": {
    elements: () => [aggregate("Bill", { stockId: reference(Stock) })],
    faults: ["REFERENCE_UNKNOWN Bill"],
    says: /stockId names Stock, which is not an element .*Add Stock/,
  },
  "a reference gives a name that no aggregate has": {
    elements: () => [
      aggregate("Bill", { stockId: reference("Stok"), rowId: reference("Row") }),
      Stock,
      Order,
      Row,
      rows,
    ],
    faults: ["REFERENCE_UNKNOWN Bill", "REFERENCE_UNKNOWN Bill"],
    says: /no aggregate of the domain has the name Stok/,
  },
  "an optional reference is given by a function": {
    elements: () => [aggregate("Bill", { stockId: reference(() => Stock).optional() })],
    faults: ["REFERENCE_UNKNOWN Bill"],
  },
  "a list of references": {
    elements: () => [aggregate("Bill", { stocks: z.array(reference(Stock)).default([]) })],
    faults: ["REFERENCE_UNKNOWN Bill"],
  },
  "a reference's function fails": {
    elements: () => [
      aggregate("Bill", {
        stockId: reference(() => {
          throw new Error("not there yet");
        }),
      }),
    ],
    faults: ["REFERENCE_UNKNOWN Bill"],
    says: /not there yet/,
  },
  "a reference's function returns no aggregate": {
    elements: () => [aggregate("Bill", { a: reference(any(() => undefined)), b: reference(any(() => Placed)) })],
    faults: ["REFERENCE_UNKNOWN Bill", "REFERENCE_UNKNOWN Bill"],
    says: /the event Placed, which is no aggregate/,
  },
  "a reference names no element at all": {
    elements: () => [aggregate("Bill", { a: reference(any(class Plain {})), b: reference(any("Stock")) })],
    faults: ["REFERENCE_UNKNOWN Bill", "REFERENCE_UNKNOWN Bill"],
  },
  "a reference names another class of the same name": {
    elements: () => [aggregate("Stock"), aggregate("Bill", { stockId: reference(Stock) })],
    faults: ["REFERENCE_UNKNOWN Bill"],
  },
  "a reference stands in a value object, a message and a row": {
    elements: () => {
      const Part = class extends ValueObject("Part", { stockId: reference(Stock) }) {};
      const Opened = class extends Event("Opened", { id: identifier(), stockId: reference(Stock) }) {};
      const View = class extends Projection("View", { id: identifier(), stockId: reference(Stock) }) {};
      const Bill = class extends Aggregate("Bill", { id: identifier(), part: Part }).raises(Opened) {};
      return [Bill, View, projector(View, { run: "async" }).on(Opened, async () => undefined)];
    },
    faults: ["REFERENCE_UNKNOWN Opened", "REFERENCE_UNKNOWN Part", "REFERENCE_UNKNOWN View"],
  },
  "a reference stands in an entity of an entity": {
    elements: () => {
      const Detail = class extends Entity("Detail", { id: identifier(), stockId: reference(() => Stock) }) {};
      const Line = class extends Entity("Line", { id: identifier(), detail: hasOne(Detail) }) {};
      return [aggregate("Bill", { lines: hasMany(Line) })];
    },
    faults: ["REFERENCE_UNKNOWN Detail"],
  },
  "a relation holds no entity": {
    elements: () => [aggregate("Bill", { a: hasMany(any(undefined)), b: hasOne(any(Money)), c: hasMany(any(Stock)) })],
    faults: ["RELATION_INVALID Bill", "RELATION_INVALID Bill", "RELATION_INVALID Bill"],
    says: /holds undefined \(where two files .*\), which is no entity.*\n?.*holds the valueObject Money/s,
  },
  "entities stand in messages, rows and value objects": {
    elements: () => {
      const Line = class extends Entity("Line", { id: identifier() }) {};
      const Opened = class extends Event("Opened", { id: identifier(), lines: hasMany(Line) }) {};
      const View = class extends Projection("View", { id: identifier(), line: hasOne(Line) }) {};
      const Part = class extends ValueObject("Part", { lines: any(hasMany(Line)) }) {};
      const Bill = class extends Aggregate("Bill", { id: identifier(), part: any(Part) }).raises(Opened) {};
      return [Bill, View, projector(View, { run: "async" }).on(Opened, async () => undefined)];
    },
    faults: ["FIELD_MISPLACED Opened", "FIELD_MISPLACED Part", "FIELD_MISPLACED View"],
  },
  "a value object has a status": {
    elements: () => [class Part extends ValueObject("Part", { state: status({ ON: [] }, "ON") }) {}],
    faults: ["FIELD_MISPLACED Part"],
    says: /follows no transitions/,
  },
  "a status names unknown states": {
    elements: () => [
      aggregate("A", { state: status(any({ ON: ["OFF"] }), "ON") }),
      aggregate("B", { state: status(any({ ON: [] }), any("OFF")) }),
      aggregate("C", { state: status(any({ ON: undefined }), "ON") }),
    ],
    faults: ["STATUS_INVALID A", "STATUS_INVALID B", "STATUS_INVALID C"],
    says: /does not have: OFF .*Name one of: ON/,
  },
  "an aggregate has no identifier": {
    elements: () => [class extends Aggregate("Bill", { name: z.string() }) {}],
    faults: ["IDENTIFIER_MISSING Bill"],
  },
  "an aggregate has two": {
    elements: () => [aggregate("Bill", { other: identifier() })],
    faults: ["IDENTIFIER_AMBIGUOUS Bill"],
    says: /id, other/,
  },
  "an entity has two": {
    elements: () => {
      const Line = class extends Entity("Line", { a: identifier(), b: identifier() }) {};
      return [aggregate("Bill", { lines: hasMany(Line) })];
    },
    faults: ["IDENTIFIER_AMBIGUOUS Line"],
  },
  "an entity is identified by a field that it does not have": {
    elements: () => [class extends Entity("Line", { a: z.string() }, { identifiedBy: any("b") }) {}],
    faults: ["IDENTIFIER_MISSING Line"],
  },
  "a projection has no identifier": {
    elements: () => {
      const View = class extends Projection("View", { name: z.string() }) {};
      return [Order, View, projector(View, { run: "async" }).on(Placed, async () => undefined)];
    },
    faults: ["IDENTIFIER_MISSING View"],
  },

  "an event-sourced aggregate applies nothing": {
    elements: () => [class extends EventSourcedAggregate("Idle", { id: identifier() }) {}],
    faults: ["APPLY_MISSING Idle"],
  },
  "an event is applied by two aggregates": {
    elements: () => [
      Order,
      class extends EventSourcedAggregate("Thief", { id: identifier() }).applies(Placed, nothing) {},
    ],
    faults: ["EVENT_APPLIED_TWICE Placed"],
    says: /Order and Thief/,
  },
  "an apply handler is no function": {
    elements: () => [
      class extends EventSourcedAggregate("Idle", { id: identifier() }).applies(Placed, any(undefined)) {},
    ],
    faults: ["HANDLER_INVALID Idle"],
  },
  "a rule has no test, or no code": {
    elements: () => [
      class extends Aggregate("A", { id: identifier() }).invariant("positive", "It is positive", any(undefined)) {},
      class extends Aggregate("B", { id: identifier() }).precondition(any(nothing), any(nothing), any(undefined)) {},
      class extends Entity("C", { id: identifier() }).invariant("c", "c", any(true)) {},
      class extends ValueObject("D", { n: z.number() }).invariant("d", any(undefined), nothing as never) {},
    ],
    faults: ["HANDLER_INVALID A", "HANDLER_INVALID B", "HANDLER_INVALID C", "HANDLER_INVALID D"],
  },
  "options of an aggregate have no usable value": {
    elements: () => [
      aggregate("A", {}, { factEvents: "yes" }),
      aggregate("B", {}, { snapshotEvery: 0 }),
      aggregate("C", {}, { snapshotEvery: 1.5, factEvents: 1 }),
      aggregate("D", {}, { snapshotEvery: 2, snapshotVersion: "2" }),
      Aggregate("E", { id: identifier() }, { snapshotEvery: 2 } as object),
    ],
    faults: [
      "ELEMENT_OPTION_INVALID A",
      "ELEMENT_OPTION_INVALID B",
      "ELEMENT_OPTION_INVALID C",
      "ELEMENT_OPTION_INVALID C",
      "ELEMENT_OPTION_INVALID D",
      "ELEMENT_OPTION_INVALID D",
      "ELEMENT_OPTION_INVALID E",
    ],
  },
  "an option has a name that there is not": {
    elements: () => {
      const Listed = class extends Projection("Listed", { orderId: identifier() }, any({ uniqe: [["orderId"]] })) {};
      return [
        Order,
        aggregate("A", {}, { uniqe: [["id"]] }),
        commandHandlers(Stock, any({ timout: 5 })).on(Place, async () => undefined),
        Stock,
        eventHandlers("Letters", any({ retires: 5 })).on(Placed, nothing),
        Listed,
        projector(Listed, any({ run: "async", verson: 2 })).create(Placed, ({ orderId }) => ({ orderId })),
      ];
    },
    faults: [
      "ELEMENT_OPTION_INVALID A",
      "ELEMENT_OPTION_INVALID Listed",
      "ELEMENT_OPTION_INVALID Letters",
      "ELEMENT_OPTION_INVALID commandHandlers(Stock)",
      "ELEMENT_OPTION_INVALID projector(Listed)",
    ],
    says: /there is no option uniqe/,
  },
  "published is no truth value": {
    elements: () => [class extends Event("Told", {}, { published: any("yes") }) {}],
    faults: ["ELEMENT_OPTION_INVALID Told"],
  },

  "indexes name what is not there or cannot be searched": {
    elements: () => {
      const Line = class extends Entity("Line", { id: identifier() }) {};
      const shape = {
        tags: z.array(z.string()).default([]),
        price: Money,
        size: z.object({ w: z.number() }).optional(),
        lines: hasMany(Line),
        at: z.codec(z.object({ t: z.string() }), z.date(), {
          decode: ({ t }) => new Date(t),
          encode: () => ({ t: "" }),
        }),
      };
      const lists = [["colour"], ["tags"], ["price"], ["size"], ["lines"], ["at"]];
      return [aggregate("Bill", shape, { indexes: lists })];
    },
    faults: ["INDEX_FIELD_UNKNOWN Bill", ...new Array(5).fill("INDEX_INVALID Bill")],
  },
  "indexes are empty, repeated, or no lists": {
    elements: () => [
      aggregate("A", { n: z.string() }, { indexes: [[]] }),
      aggregate("B", { n: z.string() }, { indexes: [["n"], ["n"]] }),
      aggregate("C", { n: z.string() }, { unique: [["n", "n"]] }),
      aggregate("D", { n: z.string() }, { unique: ["n"] }),
      aggregate("E", { n: z.string() }, { indexes: "n" }),
      aggregate(
        "F",
        { n: z.string() },
        {
          unique: [
            ["n", "id"],
            ["id", "n"],
          ],
        },
      ),
    ],
    faults: ["A", "B", "C", "D", "E", "F"].map((name) => `INDEX_INVALID ${name}`),
  },
  "an event-sourced aggregate has indexes": {
    elements: () => {
      const options = any({ unique: [["id"]] });
      return [class extends EventSourcedAggregate("Bill", { id: identifier() }, options).applies(Placed, nothing) {}];
    },
    faults: ["INDEX_INVALID Bill"],
    says: /event-sourced/,
  },
  "a projection's indexes are wrong": {
    elements: () => {
      const options = { indexes: [[any("colour")]], unique: [[]] };
      const View = class extends Projection("View", { id: identifier() }, options) {};
      return [Order, View, projector(View, { run: "inline" }).on(Placed, async () => undefined)];
    },
    faults: ["INDEX_FIELD_UNKNOWN View", "INDEX_INVALID View"],
  },
  "a projection that is unique is filled after the commit": {
    elements: () => {
      const View = class extends Projection(
        "View",
        { id: identifier(), email: z.string() },
        { unique: [["email"]] },
      ) {};
      return [Order, View, projector(View, { run: "async" }).on(Placed, async () => undefined)];
    },
    faults: ["UNIQUE_NOT_INLINE View"],
  },

  "a projection has no projector": { elements: () => [Row], faults: ["PROJECTOR_MISSING Row"] },
  "a projection has two": {
    elements: () => [Order, Row, rows, projector(Row, { run: "inline" }).on(Placed, async () => undefined)],
    faults: ["PROJECTOR_DUPLICATE Row"],
  },
  "a projector has no step": {
    elements: () => [Row, projector(Row, { run: "async" })],
    faults: ["PROJECTOR_EMPTY projector(Row)"],
  },
  "a projector's projection is not listed": { elements: () => [Order, rows], faults: ["PROJECTION_UNREGISTERED Row"] },
  "a projector fills something else": {
    elements: () => [Order, projector(any(Order), { run: "async" }).on(Placed, async () => undefined)],
    faults: ["PROJECTION_UNREGISTERED projector(Order)"],
    says: /the aggregate Order, which is no projection/,
  },
  "a projector's options have no usable value": {
    elements: () => [
      Order,
      Row,
      projector(Row, { run: any("live"), version: 0 }).create(Placed, ({ orderId }) => ({ orderId, state: "" })),
    ],
    faults: ["ELEMENT_OPTION_INVALID projector(Row)", "ELEMENT_OPTION_INVALID projector(Row)"],
  },
  "a projector's step has no function": {
    elements: () => [
      Order,
      Row,
      projector(Row, { run: "async" }).update(Placed, ({ orderId }) => orderId, any(undefined)),
    ],
    faults: ["HANDLER_INVALID projector(Row)"],
  },
  "a projector waits for an event that nothing raises": {
    elements: () => [Order, Row, rows.remove(Arrived, ({ parcelId }) => parcelId)],
    faults: ["EVENT_UNREACHABLE Arrived"],
    says: /projector\(Row\) waits for it/,
  },
  "an event handler waits for an event that nothing raises": {
    elements: () => [eventHandlers("Mails").on(Arrived, nothing)],
    faults: ["EVENT_UNREACHABLE Arrived"],
  },
  "an inline event handler waits for an event that comes from elsewhere": {
    elements: () => [Arrived, eventHandlers("Mails", { run: "inline" }).on(Arrived, nothing)],
    faults: ["EVENT_UNREACHABLE Arrived"],
    says: /no command of this domain leads to it/,
  },

  "handlers handle nothing": {
    elements: () => [Order, Row, rows, commandHandlers(Order), queryHandlers(Row), eventHandlers("Mails")],
    faults: ["HANDLERS_EMPTY commandHandlers(Order)", "HANDLERS_EMPTY queryHandlers(Row)", "HANDLERS_EMPTY Mails"],
  },
  "event handlers have options without usable value": {
    elements: () => [Order, eventHandlers("Mails", { run: any("live"), retries: -1 }).on(Placed, nothing)],
    faults: ["ELEMENT_OPTION_INVALID Mails", "ELEMENT_OPTION_INVALID Mails"],
  },
  "handlers have no function": {
    elements: () => [
      Order,
      Row,
      rows,
      commandHandlers(Order).update(Ship, any(undefined)),
      queryHandlers(Row).on(Ask, any("find")),
      eventHandlers("Mails").on(Placed, any({})),
    ],
    faults: ["HANDLER_INVALID commandHandlers(Order)", "HANDLER_INVALID queryHandlers(Row)", "HANDLER_INVALID Mails"],
  },
  "handlers take what is no message of their kind": {
    elements: () => [
      Order,
      Row,
      rows,
      commandHandlers(Order).on(any(Placed), nothing).on(any(undefined), nothing),
      queryHandlers(Row).on(any(Ship), nothing),
      eventHandlers("Mails").on(any(Ship), nothing),
    ],
    faults: [
      "MESSAGE_EXPECTED commandHandlers(Order)",
      "MESSAGE_EXPECTED commandHandlers(Order)",
      "MESSAGE_EXPECTED queryHandlers(Row)",
      "MESSAGE_EXPECTED Mails",
    ],
    says: /the event Placed, which is no command/,
  },
  "a command is handled twice in one list": {
    elements: () => [Order, commandHandlers(Order).update(Ship, nothing).on(Ship, nothing)],
    faults: ["COMMAND_HANDLED_TWICE Ship"],
    says: /commandHandlers\(Order\) handles it twice/,
  },
  "a command is handled in two lists": {
    elements: () => [
      Order,
      Stock,
      commandHandlers(Order).update(Ship, nothing),
      commandHandlers(Stock).on(Ship, nothing),
    ],
    faults: ["COMMAND_HANDLED_TWICE Ship"],
    says: /commandHandlers\(Order\) handles it, and commandHandlers\(Stock\) does too/,
  },
  "a query is answered twice": {
    elements: () => [Order, Row, rows, queryHandlers(Row).on(Ask, nothing).on(Ask, nothing)],
    faults: ["QUERY_HANDLED_TWICE Ask"],
  },
  "a command is listed that nothing handles": { elements: () => [Ship], faults: ["COMMAND_UNHANDLED Ship"] },
  "a query is listed that nothing answers": { elements: () => [Ask], faults: ["QUERY_UNHANDLED Ask"] },
  "a command names no aggregate to update": {
    elements: () => {
      const Touch = class extends Command("Touch", { text: z.string() }) {};
      return [Order, commandHandlers(Order).update(Touch, nothing)];
    },
    faults: ["COMMAND_IDENTITY_UNKNOWN Touch"],
    says: /Give Touch a field orderId/,
  },
  "handlers' aggregate is not listed": {
    elements: () => [commandHandlers(Order).update(Ship, nothing)],
    faults: ["AGGREGATE_UNREGISTERED Order"],
  },
  "handlers' aggregate is another class than the one listed": {
    elements: () => [aggregate("Order"), commandHandlers(Order).update(Ship, nothing)],
    faults: ["AGGREGATE_UNREGISTERED Order"],
    says: /another class of this name is listed/,
  },
  "handlers are bound to what is no aggregate": {
    elements: () => [commandHandlers(any(Placed)).on(Ship, nothing), commandHandlers(any(rows)).update(Place, nothing)],
    faults: [
      "AGGREGATE_UNREGISTERED commandHandlers(Placed)",
      "AGGREGATE_UNREGISTERED commandHandlers(projector(Row))",
    ],
  },
  "query handlers' projection is not listed": {
    elements: () => [queryHandlers(Row).on(Ask, nothing)],
    faults: ["PROJECTION_UNREGISTERED Row"],
  },

  "a repository's aggregate is not listed": {
    elements: () => [class Stocks extends Repository(Stock) {}],
    faults: ["AGGREGATE_UNREGISTERED Stock"],
  },
  "an aggregate has two repositories": {
    elements: () => [
      Order,
      class One extends EventSourcedRepository(Order) {},
      class Two extends EventSourcedRepository(Order) {},
    ],
    faults: ["REPOSITORY_DUPLICATE Order"],
  },
  "repositories are made for aggregates of the other kind": {
    elements: () => [
      Order,
      Stock,
      class Orders extends Repository(any(Order)) {},
      class Stocks extends EventSourcedRepository(any(Stock)) {},
    ],
    faults: ["AGGREGATE_NOT_EVENT_SOURCED Stock", "AGGREGATE_NOT_STATE_STORED Order"],
    says: /Write EventSourcedRepository\(Order\)/,
  },
  "fields are described by nothing, or by what has no JSON": {
    elements: () => {
      const Made = class extends Event("Made", { id: identifier(), circle: any(undefined), run: any(z.function()) }) {};
      const Part = class extends ValueObject("Part", { held: any({ type: "string" }) }) {};
      const Bill = class extends Aggregate("Bill", { id: identifier(), version: z.number(), part: Part } as any) {};
      return [(Bill as any).raises(Made)];
    },
    faults: [
      "FIELD_NAME_RESERVED Bill",
      "SCHEMA_UNSUPPORTED Made",
      "SCHEMA_UNSUPPORTED Made",
      "SCHEMA_UNSUPPORTED Part",
    ],
    says: /its field circle is undefined: where two files import each other.*its field run: A field of type function/s,
  },
  "elements have no name, no shape, or no version that counts": {
    elements: () => {
      const Nameless = class extends Event(any(undefined), { id: identifier() }) {};
      const Shapeless = class extends Command("Shapeless", any(z.object({}))) {};
      const Made = class extends Event("Made", { id: identifier() }, { version: 0 }) {};
      const handlers = commandHandlers(Stock).on(Shapeless, nothing);
      return [class extends Stock.raises(Nameless, Made) {}, handlers];
    },
    faults: [
      "AGGREGATE_UNREGISTERED Stock",
      "ELEMENT_NAME_INVALID undefined",
      "ELEMENT_OPTION_INVALID Made",
      "SCHEMA_UNSUPPORTED Shapeless",
    ],
    says: /Give the fields themselves, not z\.object/,
  },
  "an event is applied twice, by one aggregate": {
    elements: () => [class extends Order.applies(Shipped, nothing) {}],
    faults: ["EVENT_APPLIED_TWICE Order"],
  },
  "two files import each other, and classes are not there yet": {
    elements: () => {
      const missing = any(undefined);
      return [
        Stock,
        Order.applies(missing, nothing),
        commandHandlers(missing).on(Place, nothing),
        commandHandlers(Stock).on(missing, nothing),
        projector(missing, { run: "async" }),
        projector(Row, { run: "async" }).create(missing, nothing as any),
        queryHandlers(missing),
        eventHandlers("Mails").on(missing, nothing),
        class Stocks extends Repository(missing) {},
      ];
    },
    faults: [
      "AGGREGATE_UNREGISTERED commandHandlers(undefined)",
      "AGGREGATE_UNREGISTERED repository(undefined)",
      "HANDLERS_EMPTY queryHandlers(undefined)",
      "MESSAGE_EXPECTED Mails",
      "MESSAGE_EXPECTED Order",
      "MESSAGE_EXPECTED commandHandlers(Stock)",
      "MESSAGE_EXPECTED projector(Row)",
      "PROJECTION_UNREGISTERED Row",
      "PROJECTION_UNREGISTERED projector(undefined)",
      "PROJECTION_UNREGISTERED queryHandlers(undefined)",
      "PROJECTOR_EMPTY projector(undefined)",
    ],
    says: /bound to undefined \(where two files import each other/,
  },
  "a status has no states": {
    elements: () => [aggregate("Bill", { state: status(any(undefined), any("OPEN")) })],
    faults: ["STATUS_INVALID Bill"],
  },
  "a domain service works on one aggregate, or none": {
    elements: () => [
      Stock,
      domainService("Alone", { stock: Stock }).does(nothing),
      domainService("None", any(null)).does(nothing),
    ],
    faults: ["SERVICE_PARTS_TOO_FEW Alone", "SERVICE_PARTS_TOO_FEW None"],
  },
  "a domain service works on what is not listed, or is no aggregate": {
    elements: () => [
      Stock,
      domainService("Far", { stock: Stock, order: Order }).does(nothing),
      domainService("Odd", { stock: Stock, order: any(Placed), other: any(undefined) }).does(nothing),
    ],
    faults: ["AGGREGATE_UNREGISTERED Order", "AGGREGATE_UNREGISTERED Odd", "AGGREGATE_UNREGISTERED Odd"],
  },
  "a domain service has a rule without a test": {
    elements: () => [
      Stock,
      domainService("Move", { from: Stock, to: Stock }).precondition("a", "b", any(undefined)).does(nothing),
    ],
    faults: ["HANDLER_INVALID Move"],
  },
  "an application service has no use case, or one that is no function": {
    elements: () => [
      applicationService("Empty", {}),
      applicationService("None", any(undefined)),
      applicationService("Odd", any({ a: nothing, b: "b" })),
    ],
    faults: ["SERVICE_EMPTY Empty", "SERVICE_EMPTY None", "HANDLER_INVALID Odd"],
  },
  "a subscriber lacks its stream, broker, schema and function": {
    elements: () => [subscriber("Gateway", any({ broker: "" }), any(undefined))],
    faults: [...new Array(3).fill("SUBSCRIBER_INVALID Gateway"), "HANDLER_INVALID Gateway"],
  },
};

test.each(Object.entries(cases))("%s", (_, { elements, faults, says }) => {
  expect(found(elements()).sort()).toEqual([...faults].sort());
  const told = checkModel("shop", elements()).faults;
  for (const { code, message, fix } of told) {
    expect(message.length, code).toBeGreaterThan(5);
    expect(fix, code).toMatch(/^[A-Z].{5,}\.$/);
  }
  if (says !== undefined) expect(told.map(({ message, fix }) => `${message} ${fix}`).join("\n")).toMatch(says);
});

test("all the faulty elements together are reported too: each fault once, and the same again", () => {
  const elements = Object.values(cases).flatMap((one) => one.elements());
  const { faults } = checkModel("shop", elements);
  const texts = faults.map((fault) => JSON.stringify(fault));
  expect(texts.length).toBeGreaterThan(80);
  expect(new Set(texts).size).toBe(texts.length);
  expect(checkModel("shop", elements).faults).toEqual(faults);
});

test("a faulty class is declared, and refused with its fault whenever it is used", () => {
  const shape = { id: identifier(), bad: any(undefined) };
  const Sourced = class extends EventSourcedAggregate("Sourced", shape) {};
  const uses: (() => unknown)[] = [
    () => Sourced.create(nothing),
    ...[Aggregate, Entity, Event, Command, Query, ValueObject, Projection].map((make: any) => {
      const Bad = make("Bad", shape);
      return () => new Bad({ id: "1", bad: 1 });
    }),
    () => Event("Bad", shape)[definition].shape.decode({ id: "1" }),
  ];
  for (const use of uses) {
    expect(use).toThrow(expect.objectContaining({ code: "SCHEMA_UNSUPPORTED", message: expect.stringMatching(/bad/) }));
  }
});

test("a model with faults can be described", () => {
  for (const [name, { elements }] of Object.entries(cases)) {
    expect(() => describeModel(checkModel("shop", elements())), name).not.toThrow();
  }
});

test("the exact faults of a model with many", () => {
  const Line = class extends Entity("Line", { id: identifier(), stockId: reference(() => Stock) }) {};
  const Bill = class extends Aggregate(
    "Bill",
    { id: identifier(), lines: hasMany(Line), state: status(any({ OPEN: ["PAID"] }), "OPEN") },
    { unique: [["lines"]], indexes: [["colour" as "id"]] },
  ) {};
  const elements = [
    Bill,
    commandHandlers(Bill).on(Ship, nothing).on(Ship, nothing),
    commandHandlers(Order),
    Ask,
    Row,
    projector(Row, { run: "async", version: 0 }).remove(Arrived, () => ""),
    eventHandlers("Mails", { retries: any("3") }).on(Shipped, nothing),
    [Stock],
    class Bills extends Repository(Bill) {},
    class MoreBills extends Repository(Bill) {},
    domainService("Alone", { bill: Bill }).does(nothing),
    applicationService("Empty", {}),
    subscriber("Gateway", { stream: "", message: z.string() }, nothing),
  ];
  expect(found(elements)).toEqual([
    "ELEMENT_UNKNOWN shop",
    "INDEX_FIELD_UNKNOWN Bill",
    "INDEX_INVALID Bill",
    "STATUS_INVALID Bill",
    "REFERENCE_UNKNOWN Line",
    "ELEMENT_OPTION_INVALID projector(Row)",
    "EVENT_UNREACHABLE Arrived",
    "COMMAND_HANDLED_TWICE Ship",
    "AGGREGATE_UNREGISTERED Order",
    "HANDLERS_EMPTY commandHandlers(Order)",
    "QUERY_UNHANDLED Ask",
    "ELEMENT_OPTION_INVALID Mails",
    "EVENT_UNREACHABLE Shipped",
    "REPOSITORY_DUPLICATE Bill",
    "SERVICE_PARTS_TOO_FEW Alone",
    "SERVICE_EMPTY Empty",
    "SUBSCRIBER_INVALID Gateway",
  ]);
});

test("every code that the checks can report is provoked here", () => {
  const folder = new URL("../src/domain/", import.meta.url);
  const files = readdirSync(folder).filter((file) => /^(check-|model-)/.test(file));
  const source = files.map((file) => readFileSync(new URL(file, folder), "utf8")).join("\n");
  const reportable = Object.keys(errorCodes).filter((code) => source.includes(`"${code}"`));
  const provoked = new Set(Object.values(cases).flatMap((one) => one.faults.map((fault) => fault.split(" ")[0])));
  expect(reportable.filter((code) => !provoked.has(code))).toEqual([]);
  expect(reportable.length).toBeGreaterThan(35);
});

/** A model that uses everything as it is meant to be used. */
function rich(): unknown[] {
  const Address = class extends ValueObject("Address", { street: z.string(), tags: z.array(z.string()) }) {};
  const Detail = class extends Entity("Detail", { detailId: identifier(), stockId: reference((): any => Shelf) }) {};
  const Line = class extends Entity(
    "Line",
    { sku: z.string(), state: status({ OPEN: ["DONE"], DONE: [] }, "OPEN"), detail: hasOne(Detail), price: Money },
    { identifiedBy: "sku" },
  ).invariant("sku", "It has a sku", (line) => line.sku !== "") {};
  // another aggregate may have an entity of the same name
  const CartLine = class extends Entity("Line", { lineId: identifier() }) {};
  const moves = status({ OPEN: ["CLOSED"], CLOSED: ["OPEN"] }, "OPEN");
  const Opened = class extends Event(
    "Opened",
    { cartId: identifier(), shelfId: reference((): any => Shelf) },
    { version: 2, published: true },
  ) {};
  // the same states in a message and a row are no more than values
  const Moved = class extends Event("Moved", { cartId: identifier(), state: moves, total: Money }) {};
  const Moves = class extends Event("Filled", { shelfId: identifier(), to: identifier() }) {};
  const Former = class extends Event("Former", {
    cartId: identifier(),
    customerId: reference((): any => Elsewhere),
  }) {};
  const Elsewhere = aggregate("Elsewhere");
  const Cart = class extends EventSourcedAggregate(
    "Cart",
    { cartId: identifier(), state: moves, lines: hasMany(CartLine) },
    { factEvents: true, snapshotEvery: 100 },
  )
    .applies(Opened, nothing)
    .applies(Moved, nothing)
    .precondition("open", "It is open", (cart) => cart.state === "OPEN") {};
  const Shelf = class extends Aggregate(
    "Shelf",
    {
      shelfId: identifier(),
      cartId: reference("Cart").optional(),
      near: z.array(reference("Shelf")).default([]),
      address: Address.schema().optional(),
      lines: hasMany(Line),
      since: z.date(),
      code: z.codec(z.string(), z.instanceof(URL), { decode: (text) => new URL(text), encode: (url) => url.href }),
      amount: z.bigint().nullable(),
    },
    { indexes: [["since", "amount"], ["code"]], unique: [["code"]] },
  ).raises(Moves, Moved) {};
  const View = class extends Projection(
    "View",
    { cartId: identifier(), email: z.string(), state: moves },
    {
      unique: [["email"]],
      indexes: [
        ["email", "state"],
        ["state", "email"],
      ],
    },
  ) {};
  const Open = class extends Command("OpenCart", { cartId: identifier() }) {};
  const Move = class extends Command("Move", { from: identifier() }) {};
  const Fill = class extends Command("Fill", { from: z.string(), to: z.string() }) {};
  const Find = class extends Query("Find", { email: z.string() }) {};
  const FindToo = class extends Query("FindToo", {}) {};
  const Carts = class extends EventSourcedRepository(Cart) {};
  const Shelves = class extends Repository(Shelf) {};
  return [
    Cart,
    Shelf,
    View,
    Carts,
    Shelves,
    Money,
    Address,
    Line,
    Detail,
    Opened,
    Former,
    Open,
    Find,
    commandHandlers(Cart)
      .create(Open, () => new Cart())
      .update(Move, nothing),
    commandHandlers(Cart).on(Fill, nothing),
    projector(View, { run: "inline", version: 3 })
      .upsert(
        Opened,
        (event) => event.cartId,
        () => ({ cartId: "", email: "" }),
        nothing,
      )
      .update(Moved, (event) => event.cartId, nothing)
      .remove(Former, (event) => event.cartId)
      .on(Moves, async () => undefined),
    queryHandlers(View).on(Find, nothing),
    queryHandlers(View).on(FindToo, nothing),
    eventHandlers("Mails", { retries: 0 }).on(Opened, nothing).on(Opened, nothing).on(Former, nothing),
    eventHandlers("Stock", { run: "inline" }).on(Moves, nothing),
    domainService("View", { from: Shelf, to: Shelf })
      .precondition("a", "b", () => true)
      .does(nothing),
    applicationService("View", { open: nothing, close: async () => undefined }),
    subscriber("View", { stream: "payments", message: z.object({ id: z.string() }) }, nothing),
  ];
}

describe("no fault is found", () => {
  test("in a rich model, in whatever order it is listed", () => {
    expect(found(rich())).toEqual([]);
    expect(found(rich().reverse())).toEqual([]);
  });

  test("in the models of the examples and of other tests", () => {
    const fidelis = [
      ...[Account, accountCommands, AccountSummary, accountSummaries, balanceQuestions],
      ...[StatementLine, statementLines, statementQuestions],
    ];
    expect(found(fidelis)).toEqual([]);
    expect(found(bank)).toEqual([]);
    expect(found([])).toEqual([]);
  });
});

test("the registry has everything that a domain works with", () => {
  const { registry } = checkModel("shop", rich());
  expect([...registry.aggregates.keys()]).toEqual(["Cart", "Shelf"]);
  expect(
    [...registry.commands].map(([name, { handling, identityField }]) => [name, handling.how, identityField]),
  ).toEqual([
    ["OpenCart", "create", "cartId"],
    ["Move", "update", "from"],
    ["Fill", "on", undefined],
  ]);
  expect([...registry.queries.keys()]).toEqual(["Find", "FindToo"]);
  expect([...registry.projectors.keys()]).toEqual(["View"]);
  expect(registry.inline).toHaveLength(1);
  expect([...registry.repositories].map(([name, { prototype }]: any) => [name, typeof prototype])).toEqual([
    ["Cart", "object"],
    ["Shelf", "object"],
  ]);
  expect(registry.eventHandlers.map(({ name }) => name)).toEqual(["Mails", "Stock"]);
  expect([...registry.services.keys()]).toEqual(["View"]);
  expect([...registry.subscribers.keys()]).toEqual(["View"]);
  for (const event of ["Opened", "Moved", "Filled", "Former"]) {
    const message: any = { type: event, schemaVersion: 99, data: "{}", checksum: "" };
    expect(() => registry.events.restore(message)).toThrow(/this domain has version/);
  }
});
