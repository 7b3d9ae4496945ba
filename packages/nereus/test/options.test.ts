import { Domain, identifier, Projection } from "nereus";
import { memory } from "nereus/memory";
import { expect, test } from "vitest";
import { z } from "zod";
import { Account, AccountSummary, OpenAccount, openBank } from "./seed/bank.ts";

const open = () => new OpenAccount({ accountId: "1", holder: "Ada", opening: 1 });

test.each([
  { deadline: "2030" },
  { occurredAt: new Date(Number.NaN) },
  { tenant: 5 },
  { tenant: "\0" },
  { idempotencyKey: "" },
  { idempotencyKey: 5 },
  { idempotencykey: "a slip of the key" },
  { correlationId: "\ud800" },
  { causationId: {} },
  { traceparent: 5 },
  { expectedVersion: 1.5 },
  { visibleIn: AccountSummary },
])("process refuses %o before anything is done", async (options) => {
  const bank = openBank(memory());
  await bank.start();
  await expect(bank.process(open(), options as never)).rejects.toMatchObject({ code: "OPTION_INVALID" });
  await bank.process(open()); // it was not done
});

test("process refuses to wait for what is no projection of the domain, before anything is done", async () => {
  class Elsewhere extends Projection("Elsewhere", { id: identifier(), n: z.number() }) {}
  const bank = openBank(memory());
  await bank.start();
  for (const projection of [Elsewhere, Account, undefined]) {
    const options = { visibleIn: [projection as never] };
    await expect(bank.process(open(), options)).rejects.toMatchObject({ code: "UNKNOWN_PROJECTION" });
    expect(() => bank.view(projection as never)).toThrow(expect.objectContaining({ code: "UNKNOWN_PROJECTION" }));
  }
  await bank.process(open());
});

test("an identity that is no text is refused", async () => {
  const bank = openBank(memory());
  await bank.start();
  for (const id of [undefined, null, 5, {}, ""]) {
    await expect(bank.view(AccountSummary).get(id as never)).rejects.toMatchObject({ code: "IDENTITY_MISSING" });
  }
});

test.each([
  ["tenancey", "required"],
  ["tenants", "required"],
  ["cache", 5],
])("a domain has no option %s", (name, value) => {
  const options = { elements: [], store: memory(), [name]: value };
  expect(() => new Domain("bank", options)).toThrow(
    expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringContaining(`there is no option ${name}`) }),
  );
});
