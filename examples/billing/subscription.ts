import { Aggregate, Event, EventSourcedAggregate, identifier, reference, status } from "nereus";
import { z } from "zod";
import { Invoice, Line, sumOf } from "./invoice.ts";
import { daysBetween, Money, monthsAfter } from "./money.ts";

export class Plan extends Aggregate("Plan", { planId: identifier(), name: z.string(), monthly: Money }) {}

const subscriptionId = identifier();
const renewal = { periodEnd: z.date(), renewalId: z.string() };
const plan = { planId: z.string(), monthly: Money };
const change = { ...plan, credit: Money, isInvoiced: z.boolean() };
const trial = { customer: z.string(), startedAt: z.date() };
export class TrialStarted extends Event("TrialStarted", { subscriptionId, ...trial, ...plan, ...renewal }) {}
export class PeriodStarted extends Event("PeriodStarted", { subscriptionId, credit: Money, ...renewal }) {}
/** The credit is what is left to the customer after it. */
export class PlanChanged extends Event("PlanChanged", { subscriptionId, ...change }) {}
export class BecamePastDue extends Event("BecamePastDue", { subscriptionId, invoiceId: z.string() }) {}
export class DebtSettled extends Event("DebtSettled", { subscriptionId, invoiceId: z.string() }) {}
export class CancellationScheduled extends Event("CancellationScheduled", { subscriptionId, endsAt: z.date() }) {}
export class SubscriptionCancelled extends Event("SubscriptionCancelled", { subscriptionId, reason: z.string() }) {}

const states = {
  TRIALING: ["ACTIVE", "CANCELLED"],
  ACTIVE: ["PAST_DUE", "CANCELLED"],
  PAST_DUE: ["ACTIVE", "CANCELLED"],
  CANCELLED: [],
} as const;
export class Subscription extends EventSourcedAggregate("Subscription", {
  subscriptionId,
  customer: z.string(),
  planId: reference(Plan),
  monthly: Money,
  status: status(states, "TRIALING"),
  /** When the first paid period began: later ones begin on the same day of a month. */
  anchor: z.date(),
  periodStart: z.date(),
  periodEnd: z.date(),
  periods: z.number().default(0),
  renewalId: z.string(),
  endsAtPeriodEnd: z.boolean().default(false),
  credit: Money,
  invoices: z.number().default(0),
  overdue: z.array(z.string()).default([]),
})
  .applies(TrialStarted, (subscription, { startedAt, ...event }) => {
    const credit = event.monthly.times(0);
    Object.assign(subscription, { ...event, anchor: event.periodEnd, periodStart: startedAt, credit });
  })
  .applies(PeriodStarted, (subscription, event) => {
    Object.assign(subscription, { periodStart: subscription.periodEnd, ...event });
    subscription.periods += 1;
    subscription.invoices += 1;
    if (subscription.status === "TRIALING") subscription.status = "ACTIVE";
  })
  .applies(PlanChanged, (subscription, { planId, monthly, credit, isInvoiced }) => {
    Object.assign(subscription, { planId, monthly, credit });
    if (isInvoiced) subscription.invoices += 1;
  })
  .applies(BecamePastDue, (subscription, { invoiceId }) => {
    subscription.overdue = [...subscription.overdue, invoiceId];
    subscription.status = "PAST_DUE";
  })
  .applies(DebtSettled, (subscription, { invoiceId }) => {
    subscription.overdue = subscription.overdue.filter((one) => one !== invoiceId);
    if (subscription.overdue.length === 0) subscription.status = "ACTIVE";
  })
  .applies(CancellationScheduled, (subscription) => Object.assign(subscription, { endsAtPeriodEnd: true }))
  .applies(SubscriptionCancelled, (subscription) => Object.assign(subscription, { status: "CANCELLED" })) {
  /** Whether a renewal that was sent for this moment still is to be: it may come after a cancellation. */
  renewsAt(moment: Date): boolean {
    return this.status !== "CANCELLED" && !this.endsAtPeriodEnd && this.periodEnd.getTime() === moment.getTime();
  }

  nextPeriodEnd(): Date {
    return monthsAfter(this.anchor, this.periods + 1);
  }

  renew(renewalId: string): Invoice {
    const at = this.periodEnd;
    const { credit, lines } = this.#settled([new Line({ text: `Month ${this.periods + 1}`, price: this.monthly })]);
    const invoice = this.#invoice(lines, at);
    this.raise(new PeriodStarted({ ...this.#of(), credit, periodEnd: this.nextPeriodEnd(), renewalId }));
    return invoice;
  }

  /** From the day of the change on the other plan is paid. What is too much is kept as credit; a trial costs nothing. */
  changePlan({ planId, name, monthly }: Plan, at: Date): Invoice | undefined {
    if (this.status === "CANCELLED") this.refuse("cancelled", "It is cancelled");
    if (planId === this.planId) this.refuse("samePlan", `It has the plan ${name} already`, "planId");
    if (monthly.currency !== this.monthly.currency) this.refuse("currency", `It is paid in ${this.monthly.currency}`);
    const days = [daysBetween(at, this.periodEnd), daysBetween(this.periodStart, this.periodEnd)] as const;
    const unused = new Line({ text: "Unused days", price: this.monthly.share(...days).times(-1) });
    const own = [unused, new Line({ text: `${name} from today`, price: monthly.share(...days) })];
    const { credit, lines } = this.status === "TRIALING" ? { credit: this.credit, lines: [] } : this.#settled(own);
    const invoice = lines.length === 0 ? undefined : this.#invoice(lines, at);
    this.raise(new PlanChanged({ ...this.#of(), planId, monthly, credit, isInvoiced: invoice !== undefined }));
    return invoice;
  }

  /** @returns the id of the renewal, which is to be taken back */
  cancelAtPeriodEnd(): string {
    if (this.status === "CANCELLED" || this.endsAtPeriodEnd) this.refuse("cancelled", "It is cancelled already");
    this.raise(new CancellationScheduled({ ...this.#of(), endsAt: this.periodEnd }));
    return this.renewalId;
  }

  cancel(reason: string): void {
    if (this.status !== "CANCELLED") this.raise(new SubscriptionCancelled({ ...this.#of(), reason }));
  }

  fallPastDue(invoiceId: string): void {
    if (this.status !== "CANCELLED") this.raise(new BecamePastDue({ ...this.#of(), invoiceId }));
  }

  settle(invoiceId: string): void {
    const isOwing = this.status !== "CANCELLED" && this.overdue.includes(invoiceId);
    if (isOwing) this.raise(new DebtSettled({ ...this.#of(), invoiceId }));
  }

  /** Takes credit for what is to be paid, or keeps what is too much: then there is nothing to invoice. */
  #settled(lines: Line[]): { credit: Money; lines: Line[] } {
    const left = sumOf(lines).plus(this.credit.times(-1));
    if (left.amount.isNegative() && sumOf(lines).amount.isNegative()) return { credit: left.times(-1), lines: [] };
    const credit = left.amount.isNegative() ? left.times(-1) : left.times(0);
    const used = credit.plus(this.credit.times(-1)); // what is left of it, less what there was
    return { credit, lines: used.amount.isZero() ? lines : [...lines, new Line({ text: "Credit", price: used })] };
  }

  #invoice(lines: Line[], at: Date): Invoice {
    const { subscriptionId, customer, invoices } = this;
    return Invoice.issue({
      invoiceId: `${subscriptionId}-${invoices + 1}`,
      subscriptionId,
      customer,
      lines,
      dueAt: at,
    });
  }

  #of(): { subscriptionId: string } {
    return { subscriptionId: this.subscriptionId };
  }
}
