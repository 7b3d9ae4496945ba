import { memory } from "nereus/memory";
import { fakeClock, given } from "nereus/testing";
import { describe, expect, test } from "vitest";
import { ChangePlan, Dun, EndSubscription, OfferPlan, openBilling, provider, Renew, Subscribe } from "./billing.ts";
import {
  CustomerReminded,
  Invoice,
  InvoiceIssued,
  InvoicePaid,
  InvoiceWrittenOff,
  Line,
  PaymentFailed,
} from "./invoice.ts";
import { daysAfter, Money, monthsAfter } from "./money.ts";
import {
  BecamePastDue,
  PeriodStarted,
  PlanChanged,
  Subscription,
  SubscriptionCancelled,
  TrialStarted,
} from "./subscription.ts";

const euros = (amount: string): Money => new Money({ amount, currency: "EUR" });
const start = new Date("2026-01-17T09:00:00Z");
const firstPeriod = new Date("2026-01-31T09:00:00Z");
const secondPeriod = new Date("2026-02-28T09:00:00Z");
const subscriptionId = "s";
const invoiceId = "s-1";

const billing = (now = start) => openBilling({ store: memory(), clock: fakeClock(now) });
const trial = new TrialStarted({
  subscriptionId,
  customer: "ada",
  startedAt: start,
  planId: "basic",
  monthly: euros("29.99"),
  periodEnd: firstPeriod,
  renewalId: "r0",
});
const active = new PeriodStarted({ subscriptionId, credit: euros("0"), periodEnd: secondPeriod, renewalId: "r1" });
const issued = new InvoiceIssued({
  invoiceId,
  subscriptionId,
  customer: "ada",
  lines: [new Line({ text: "Month 1", price: euros("29.99") })],
  total: euros("29.99"),
  dueAt: firstPeriod,
});
const failed = new PaymentFailed({ invoiceId, subscriptionId, failedAt: firstPeriod });

const paid = { type: "paid", account: "ada", invoice: invoiceId, amount: { amount: "29.99", currency: "EUR" } };
const deliver =
  (message: object, id = "m1") =>
  (domain: ReturnType<typeof billing>) =>
    domain.deliver(provider, message, { id });
const notPaid = { ...paid, type: "failed" };

describe("a subscription", () => {
  test("begins with a trial, whose end is sent", async () => {
    await given(billing())
      .when(new OfferPlan({ planId: "basic", name: "Basic", monthly: euros("29.99") }))
      .when(new Subscribe({ subscriptionId, customer: "ada", planId: "basic" }))
      .thenState(Subscription, { status: "TRIALING", periodEnd: firstPeriod })
      .thenSent([new Renew({ subscriptionId, periodEnd: firstPeriod }), { at: firstPeriod }]);
  });

  test("is invoiced for each month as it begins, on the day of the first or the last of a short month", async () => {
    await given(billing(firstPeriod), trial)
      .when(new Renew({ subscriptionId, periodEnd: firstPeriod }))
      .thenState(Subscription, subscriptionId, { status: "ACTIVE", periodEnd: secondPeriod })
      .thenState(Invoice, invoiceId, { status: "OPEN", total: euros("29.99") })
      .thenSent([new Renew({ subscriptionId, periodEnd: secondPeriod }), { at: secondPeriod }]);
    expect(monthsAfter(firstPeriod, 2)).toEqual(new Date("2026-03-31T09:00:00Z"));
  });

  test("is renewed once for each period", async () => {
    await given(billing(firstPeriod), trial, active)
      .when(new Renew({ subscriptionId, periodEnd: firstPeriod }))
      .thenNothing()
      .thenSent();
  });

  test("pays another plan from the day of the change on, to the cent", async () => {
    const monthly = euros("99.95");
    const from = daysAfter(firstPeriod, 9); // 19 of 28 days are left
    const lines = [
      new Line({ text: "Unused days", price: euros("-20.35") }),
      new Line({ text: "Pro from today", price: euros("67.82") }),
    ];
    await given(billing(from), trial, active)
      .when(new OfferPlan({ planId: "pro", name: "Pro", monthly }))
      .when(new ChangePlan({ subscriptionId, planId: "pro" }))
      .thenState(Invoice, "s-2", { lines, total: euros("47.47") })
      .thenState(Subscription, { monthly, credit: euros("0") });
  });

  test("has credit after a change to a cheaper plan, which the next invoices use up", async () => {
    const half = daysAfter(firstPeriod, 14);
    const changed = new PlanChanged({
      subscriptionId,
      planId: "mini",
      monthly: euros("4"),
      credit: euros("13"),
      isInvoiced: false,
    });
    await given(billing(half), trial, active)
      .when(new OfferPlan({ planId: "mini", name: "Mini", monthly: euros("4") }))
      .when(new ChangePlan({ subscriptionId, planId: "mini" }))
      .then(new PlanChanged({ ...changed, credit: euros("13.00") }));
    await given(billing(secondPeriod), trial, active, changed)
      .when(new Renew({ subscriptionId, periodEnd: secondPeriod }))
      .thenState(Invoice, "s-2", { status: "PAID", total: euros("0") })
      .thenState(Subscription, subscriptionId, { credit: euros("9") });
  });

  test("has one currency", async () => {
    await given(billing(), trial)
      .when(new OfferPlan({ planId: "us", name: "US", monthly: new Money({ amount: "5", currency: "USD" }) }))
      .when(new ChangePlan({ subscriptionId, planId: "us" }))
      .thenRejected("currency");
  });
});

describe("dunning", () => {
  test("begins with the first failure", async () => {
    await given(billing(firstPeriod), trial, active, issued)
      .when(deliver(notPaid, "f1"))
      .then(failed, new BecamePastDue({ subscriptionId, invoiceId }))
      .thenSent([new Dun({ invoiceId }), { at: daysAfter(firstPeriod, 3) }])
      .when(deliver(notPaid, "f2"))
      .thenNothing();
  });

  test("reminds three times, then gives up", async () => {
    const at = daysAfter(firstPeriod, 13);
    const twice = [1, 2].map(
      (reminder) => new CustomerReminded({ invoiceId, subscriptionId, reminder, at: firstPeriod }),
    );
    await given(billing(at), trial, active, issued, failed, ...twice)
      .when(new Dun({ invoiceId }))
      .then(new CustomerReminded({ invoiceId, subscriptionId, reminder: 3, at }))
      .thenSent([new Dun({ invoiceId }), { at: daysAfter(at, 5) }])
      .when(new Dun({ invoiceId }))
      .then(
        new InvoiceWrittenOff({ invoiceId, subscriptionId }),
        new SubscriptionCancelled({ subscriptionId, reason: "not paid" }),
      )
      .when(new EndSubscription({ subscriptionId, reason: "again" }))
      .thenNothing();
  });

  test("ends when the invoice is paid", async () => {
    await given(billing(firstPeriod), trial, active, issued)
      .when(deliver(notPaid, "f2"))
      .when(deliver(paid))
      .thenState(Subscription, subscriptionId, { status: "ACTIVE" })
      .when(new Dun({ invoiceId }))
      .thenNothing();
  });
});

describe("the provider's webhook", () => {
  test("pays an invoice once by its id, and is refused with other contents", async () => {
    await given(billing(firstPeriod), trial, active, issued)
      .when(deliver(paid))
      .then(new InvoicePaid({ invoiceId, subscriptionId, total: euros("29.99"), paidAt: firstPeriod }))
      .when(deliver(paid))
      .thenNothing()
      .when(deliver({ ...paid, type: "failed" }))
      .thenRejected("MESSAGE_ID_REUSED")
      .when(deliver(paid, "m2"))
      .thenRejected("alreadyPaid");
  });

  test("is refused for an unknown account, another amount, and what is no payment", async () => {
    await given(billing(firstPeriod), trial, active, issued)
      .when(deliver({ ...paid, account: "eve" }))
      .thenRejected("unknownAccount")
      .when(deliver({ ...paid, invoice: "none" }))
      .thenRejected("unknownAccount")
      .when(deliver({ ...paid, amount: { amount: "29.98", currency: "EUR" } }))
      .thenRejected("29.99 EUR are due")
      .when(deliver({ ...paid, type: "lost" }))
      .thenRejected("VALIDATION_FAILED");
  });
});

test("half a cent is rounded to the even cent, and currencies are not added", () => {
  expect(euros("0.01").share(1, 2)).toEqual(euros("0"));
  expect(euros("0.03").share(1, 2)).toEqual(euros("0.02"));
  expect(() => euros("1").plus(new Money({ amount: "1", currency: "USD" }))).toThrow("USD cannot be added to EUR");
});
