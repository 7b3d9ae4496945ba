// What is unknown comes with the nearest known name, if one is near.
import {
  Aggregate,
  Command,
  commandHandlers,
  Domain,
  Event,
  identifier,
  Projection,
  projector,
  Query,
  queryHandlers,
  reference,
  status,
  ValueObject,
} from "nereus";
import { memory } from "nereus/memory";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";

const any = (value: unknown): any => value;

class Address extends ValueObject("Address", { street: z.string(), city: z.string() }) {}
class Customer extends Aggregate("Customer", {
  customerId: identifier(),
  status: status({ ACTIVE: ["CLOSED"], CLOSED: [] }, "ACTIVE"),
  address: Address,
}) {}
class Rename extends Command("RenameCustomer", { customerId: identifier() }) {}
class Look extends Command("Look", { where: z.any(), orderBy: z.any().optional() }).returns<unknown>() {}
class Names extends Query("CustomerNames", {}).returns<string[]>() {}
class Opened extends Event("Opened", { customerId: identifier() }) {}
class Row extends Projection("Row", { customerId: identifier() }) {}

const elements = [
  Customer,
  Opened,
  Row,
  projector(Row, { run: "async" }).create(Opened, ({ customerId }) => ({ customerId })),
  commandHandlers(Customer)
    .update(Rename, () => undefined)
    .on(Look, ({ where, orderBy = {} }, { repository }) => repository(Customer).query({ where, orderBy })),
  queryHandlers(Row).on(Names, () => []),
];

async function started(): Promise<Domain> {
  const domain = new Domain("shop", {
    elements,
    store: memory(),
  });
  onTestFinished(() => domain.stop());
  await domain.start();
  return domain;
}

const fixOf = async (act: () => unknown): Promise<string> => {
  try {
    await act();
  } catch (error) {
    return String((error as { fix?: unknown }).fix);
  }
  return "nothing was refused";
};

test.each<[string, object, string | undefined]>([
  ["a slip", { where: { statsu: "ACTIVE" } }, "status"],
  ["another case", { where: { STATUS: "ACTIVE" } }, "status"],
  ["a missing letter", { where: { adress: { city: "Brno" } } }, "address"],
  ["a field within a value object", { where: { address: { citty: "Brno" } } }, "city"],
  ["an order", { where: {}, orderBy: { custmerId: "asc" } }, "customerId"],
  ["nothing like it", { where: { colour: "red" } }, undefined],
  ["an empty name", { where: { "": "red" } }, undefined],
  ["a very long name", { where: { ["status".repeat(1000)]: "red" } }, undefined],
])("a field of a query: %s", async (_, { where, orderBy }: any, meant) => {
  const domain = await started();
  const fix = await fixOf(() => domain.process(new Look({ where, orderBy })));
  expect(fix).toMatch(/^(Did you mean \w+\? )?Use one of: \w+/);
  expect(/^Did you mean (\w+)\?/.exec(fix)?.[1]).toBe(meant);
});

test("a command and a query", async () => {
  const domain = await started();
  class Renamed extends Command("RenameCustomers", {}) {}
  class Name extends Query("CustomerName", {}) {}
  class Other extends Command("Transfer", {}) {}
  expect(await fixOf(() => domain.process(new Renamed({})))).toMatch(/^Did you mean RenameCustomer\? /);
  expect(await fixOf(() => domain.query(new Name({})))).toMatch(/^Did you mean CustomerNames\? /);
  expect(await fixOf(() => domain.process(new Other({})))).not.toMatch(/Did you mean/);
});

test("a status field", async () => {
  const customer = new Customer({ address: { street: "Main", city: "Brno" } });
  expect(await fixOf(() => customer.canTransitionTo(any("state"), any("CLOSED")))).not.toMatch(/Did you mean/);
  expect(await fixOf(() => customer.canTransitionTo(any("statuss"), any("CLOSED")))).toMatch(/^Did you mean status\? /);
});

test("names in the declarations of a model", () => {
  const states: any = { OPEN: ["CLOSD"], CLOSED: [] };
  const Bill = class extends Aggregate(
    "Bill",
    { id: identifier(), payer: reference("Custommer"), state: status(states, any("OPEN")) },
    { indexes: [["payr" as "payer"]] },
  ) {};
  const faults = new Domain("shop", { elements: [Customer, Bill], store: memory() }).check();
  expect(faults.map(({ code, fix }) => [code, fix.split("? ")[0]])).toEqual([
    ["INDEX_FIELD_UNKNOWN", "Did you mean payer"],
    ["REFERENCE_UNKNOWN", "Did you mean Customer"],
    ["STATUS_INVALID", "Did you mean CLOSED"],
  ]);
});
