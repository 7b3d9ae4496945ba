import type { Domain } from "nereus";
import { fakeClock } from "nereus/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { places, RecordedLog } from "../../packages/nereus/test/support/places.ts";
import {
  CancelAtPeriodEnd,
  ChangePlan,
  cancelAtPeriodEnd,
  InvoiceRow,
  OfferPlan,
  OpenInvoices,
  openBilling,
  provider,
  RevenueOf,
  Subscribe,
} from "./billing.ts";
import { Money } from "./money.ts";
import { type Bill, type Customer, type Expected, expectedOf, firstDay, planOf } from "./plain-year.ts";

const tenants = ["", "acme"];
/** From the 1st of January to the 15th of April after a year. */
const days = 470;

/** 24 customers, of whom some change their plan, leave, fail to pay for a while, or for good. */
const customers = Array.from({ length: 24 }, (_, n): Customer => {
  const begins = (n * 5) % 47;
  return {
    id: `c${n}`,
    tenant: tenants[n % 2] ?? "",
    begins,
    plan: n % 3,
    changes: [n % 4 === 1 ? 5 : 30 + n, 110 + 7 * n, 290 - n].map((after, change) => ({
      day: begins + after,
      plan: (n + change + 1) % 3,
    })),
    leaves: n % 5 === 2 ? begins + 150 + n : n % 11 === 7 ? begins + 6 : undefined,
    fails: n % 4 === 3 ? undefined : { bill: 2 + (n % 6), paidAfter: [2, 12, undefined, 25][n % 4] },
  };
});
const expected = new Map(customers.map((customer) => [customer.id, expectedOf(customer, days)]));
const at = (day: number): Date => new Date(firstDay + day * 86_400_000);

describe.each(places())("a year of billing on $name", ({ open }) => {
  test("is accounted for to the cent, across a restart", async () => {
    const place = open();
    const clock = fakeClock(at(0));
    const log = new RecordedLog();
    const start = async (): Promise<Domain> => {
      const billing = openBilling({ store: place.store(), clock, log });
      await billing.start();
      onTestFinished(() => billing.stop());
      return billing;
    };
    let billing = await start();
    for (const tenant of tenants) {
      for (const plan of [0, 1, 2]) await billing.process(offer(plan), { tenant });
    }
    for (let day = 0; day < days; day++) {
      clock.set(at(day));
      if (day === 200) {
        await billing.stop();
        billing = await start();
      }
      await billing.settle();
      for (const customer of customers) await actOf(billing, customer, day);
      await billing.settle();
      for (const tenant of tenants) await payAll(billing, tenant, day);
      await billing.settle();
    }
    for (const tenant of tenants) await assertAccounts(billing, tenant);
    expect(log.errors).toEqual([]);
  });
});

function offer(plan: number): OfferPlan {
  return new OfferPlan({ planId: `p${plan}`, name: `Plan ${plan}`, monthly: money(planOf(plan)) });
}

function money(cents: bigint): Money {
  const digits = String(cents).padStart(3, "0");
  return new Money({ amount: `${digits.slice(0, -2)}.${digits.slice(-2)}`, currency: "EUR" });
}

/** What a customer does on a day; the plain calculation says what is refused. */
async function actOf(billing: Domain, { id, tenant, begins, plan, changes, leaves }: Customer, day: number) {
  const subscriptionId = id;
  if (begins === day) {
    await billing.process(new Subscribe({ subscriptionId, customer: id, planId: `p${plan}` }), { tenant });
  }
  for (const change of changes.filter((one) => one.day === day)) {
    const changed = billing.process(new ChangePlan({ subscriptionId, planId: `p${change.plan}` }), { tenant });
    if (wantedOf(id).refused.includes(day)) await expect(changed).rejects.toMatchObject({ code: "REFUSED" });
    else await changed;
  }
  if (leaves !== day) return;
  if (wantedOf(id).refused.includes(day)) {
    const refused = billing.process(new CancelAtPeriodEnd({ subscriptionId }), { tenant });
    await expect(refused).rejects.toMatchObject({ code: "REFUSED" });
  } else expect(await cancelAtPeriodEnd(billing, subscriptionId, tenant)).toBe("cancelled");
}

/** The provider pays what is open, or says that it cannot; and says each thing twice. */
async function payAll(billing: Domain, tenant: string, day: number): Promise<void> {
  for (const { invoiceId, customer, total } of await billing.query(new OpenInvoices({ dueBefore: at(day + 1) }), {
    tenant,
  })) {
    const bill = wantedOf(customer).bills.find((one) => one.id === invoiceId);
    const isPaid = bill?.paidOn === day;
    if (!isPaid && bill?.issuedOn !== day) continue;
    const type = isPaid ? "paid" : "failed";
    const message = {
      type,
      account: customer,
      invoice: invoiceId,
      amount: { amount: total.amount.toFixed(2), currency: total.currency },
    };
    for (const _ of ["once", "again"]) {
      await billing.deliver(provider, message, { id: `${type} ${invoiceId}`, tenant });
    }
  }
}

async function assertAccounts(billing: Domain, tenant: string): Promise<void> {
  const bills = customers.filter((one) => one.tenant === tenant).flatMap(({ id }) => wantedOf(id).bills);
  const rows = await billing.view(InvoiceRow, { tenant }).find({ orderBy: { invoiceId: "asc" } });
  const shown = rows.map(({ invoiceId, total, state }) => [invoiceId, total.amount.toFixed(2), state]);
  const wanted = bills.map((bill) => [bill.id, money(bill.cents).amount.toFixed(2), stateOf(bill)]);
  expect(shown).toEqual(wanted.toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1)));
  const revenue = new Map<string, bigint>();
  for (const { paidOn, cents } of bills) {
    const month = paidOn === undefined ? "" : at(paidOn).toISOString().slice(0, 7);
    if (month.startsWith("2026-")) revenue.set(month, (revenue.get(month) ?? 0n) + cents);
  }
  const months = await billing.query(new RevenueOf({ year: 2026 }), { tenant });
  expect(months.length).toBe(12);
  expect(months.map(({ month, total }) => [month, total.amount.times(100).toFixed()])).toEqual(
    [...revenue].map(([month, cents]) => [month, String(cents)]).toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1)),
  );
}

function stateOf({ paidOn, writtenOff }: Bill): string {
  if (writtenOff) return "written off";
  return paidOn === undefined ? "open" : "paid";
}

function wantedOf(id: string): Expected {
  const found = expected.get(id);
  if (found === undefined) throw new Error(`no customer ${id}`);
  return found;
}

test("the year has everything in it", () => {
  const all = [...expected.values()];
  const bills = all.flatMap((one) => one.bills);
  expect(bills.filter((bill) => bill.writtenOff).length).toBeGreaterThan(2);
  expect(bills.filter((bill) => bill.cents === 0n).length).toBeGreaterThan(0);
  expect(bills.filter(({ issuedOn, paidOn }) => paidOn !== undefined && paidOn > issuedOn).length).toBeGreaterThan(4);
  expect(all.filter((one) => one.refused.length > 0).length).toBeGreaterThan(2);
  expect(all.filter((one) => one.endedOn !== undefined).length).toBeGreaterThan(4);
});
