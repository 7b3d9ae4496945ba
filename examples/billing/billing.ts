import {
  type Cancellation,
  Command,
  commandHandlers,
  Domain,
  type DomainOptions,
  eventHandlers,
  identifier,
  Projection,
  projector,
  Query,
  queryHandlers,
  refuse,
  subscriber,
} from "nereus";
import { z } from "zod";
import { CustomerReminded, Invoice, InvoiceIssued, InvoicePaid, InvoiceWrittenOff, PaymentFailed } from "./invoice.ts";
import { daysAfter, Money } from "./money.ts";
import { Plan, Subscription, TrialStarted } from "./subscription.ts";

const subscriptionId = identifier();
export class OfferPlan extends Command("OfferPlan", { planId: identifier(), name: z.string(), monthly: Money }) {}
export class Subscribe extends Command("Subscribe", { subscriptionId, customer: z.string(), planId: z.string() }) {}
export class Renew extends Command("Renew", { subscriptionId, periodEnd: z.date() }) {}
export class ChangePlan extends Command("ChangePlan", { subscriptionId, planId: z.string() }) {}
export class CancelAtPeriodEnd extends Command("CancelAtPeriodEnd", { subscriptionId }).returns<string>() {}
export class EndSubscription extends Command("EndSubscription", { subscriptionId, reason: z.string() }) {}
const planCommands = commandHandlers(Plan).create(OfferPlan, (command) => new Plan({ ...command }));
const subscriptionCommands = commandHandlers(Subscription)
  .create(Subscribe, async ({ subscriptionId, customer, planId }, { repository, send, clock }) => {
    const { monthly } = await repository(Plan).get(planId);
    const startedAt = clock.now();
    const periodEnd = daysAfter(startedAt, 14);
    const { commandId } = await send(new Renew({ subscriptionId, periodEnd }), { at: periodEnd });
    const trial = { subscriptionId, customer, startedAt, planId, monthly, periodEnd, renewalId: commandId };
    return Subscription.create((subscription) => subscription.raise(new TrialStarted(trial)));
  })
  .on(Renew, async ({ subscriptionId, periodEnd }, { repository, send }) => {
    const subscription = await repository(Subscription).get(subscriptionId);
    if (!subscription.renewsAt(periodEnd)) return;
    const next = subscription.nextPeriodEnd();
    const { commandId } = await send(new Renew({ subscriptionId, periodEnd: next }), { at: next });
    await repository(Invoice).add(subscription.renew(commandId));
    await repository(Subscription).add(subscription);
  })
  .on(ChangePlan, async ({ subscriptionId, planId }, { repository, clock }) => {
    const subscription = await repository(Subscription).get(subscriptionId);
    const invoice = subscription.changePlan(await repository(Plan).get(planId), clock.now());
    if (invoice !== undefined) await repository(Invoice).add(invoice);
    await repository(Subscription).add(subscription);
  })
  .update(CancelAtPeriodEnd, async (subscription, { subscriptionId }, { send }) => {
    const renewalId = subscription.cancelAtPeriodEnd();
    await send(new EndSubscription({ subscriptionId, reason: "wished" }), { at: subscription.periodEnd });
    return renewalId;
  })
  .update(EndSubscription, (subscription, { reason }) => subscription.cancel(reason));

/** Ends a subscription with what is paid for, and takes its renewal back. If that comes too late, `renewsAt` stops it. */
export async function cancelAtPeriodEnd(billing: Domain, subscriptionId: string, tenant = ""): Promise<Cancellation> {
  const renewalId = await billing.process(new CancelAtPeriodEnd({ subscriptionId }), { tenant });
  const renewal = await billing.receipt(Renew, renewalId, { tenant });
  return (await renewal?.cancel("the customer leaves")) ?? "handled";
}

// Payments and dunning

const invoiceId = identifier();
export class Dun extends Command("Dun", { invoiceId }) {}

const invoiceCommands = commandHandlers(Invoice).update(Dun, (invoice, _, { clock }) => {
  if (invoice.status === "OPEN") invoice.dun(clock.now());
});

/** In the transaction of what they follow. The first reminder comes after 3 days, the next ones and the end after 5 each. */
const dunning = eventHandlers("Dunning", { run: "inline" })
  .on(PaymentFailed, async ({ invoiceId, subscriptionId, failedAt }, { repository, send }) => {
    const subscription = await repository(Subscription).get(subscriptionId);
    subscription.fallPastDue(invoiceId);
    await repository(Subscription).add(subscription);
    await send(new Dun({ invoiceId }), { at: daysAfter(failedAt, 3) });
  })
  .on(CustomerReminded, ({ invoiceId, at }, { send }) => send(new Dun({ invoiceId }), { at: daysAfter(at, 5) }))
  .on(InvoiceWrittenOff, ({ subscriptionId }, { process }) =>
    process(new EndSubscription({ subscriptionId, reason: "not paid" })),
  )
  .on(InvoicePaid, async ({ invoiceId, subscriptionId }, { repository }) => {
    const subscription = await repository(Subscription).get(subscriptionId);
    subscription.settle(invoiceId);
    await repository(Subscription).add(subscription);
  });

const type = z.enum(["paid", "failed"]);
const webhook = z.object({ type, account: z.string(), invoice: z.string(), amount: Money.schema() });

/** The provider's words end here. What is refused is answered with 422, and may be delivered again. */
export const provider = subscriber(
  "PaymentProvider",
  { stream: "payments", message: webhook, key: ({ account }) => account },
  async ({ type, account, invoice: invoiceId, amount }, { repository, clock }) => {
    const invoice = await repository(Invoice).find(invoiceId);
    if (invoice?.customer !== account) refuse("unknownAccount", `${account} has no invoice ${invoiceId}`, "account");
    if (type === "paid") invoice.pay(amount, clock.now());
    else invoice.fail(clock.now());
    await repository(Invoice).add(invoice);
  },
);

const invoiceRow = { invoiceId, customer: z.string(), total: Money, dueAt: z.date(), state: z.string() };
export class InvoiceRow extends Projection("InvoiceRow", invoiceRow, { indexes: [["state", "dueAt"]] }) {}
const invoiceOf = (event: { invoiceId: string }): string => event.invoiceId;
const invoiceRows = projector(InvoiceRow, { run: "async" })
  .create(InvoiceIssued, ({ invoiceId, customer, total, dueAt }) => ({
    invoiceId,
    customer,
    total,
    dueAt,
    state: "open",
  }))
  .update(InvoicePaid, invoiceOf, (row) => Object.assign(row, { state: "paid" }))
  .update(InvoiceWrittenOff, invoiceOf, (row) => Object.assign(row, { state: "written off" }));

export class Revenue extends Projection("Revenue", { id: identifier(), month: z.string(), total: Money }) {}
const monthOf = ({ paidAt }: InvoicePaid): string => paidAt.toISOString().slice(0, 7);
const revenueId = (event: InvoicePaid): string => `${monthOf(event)} ${event.total.currency}`;
const revenues = projector(Revenue, { run: "async" }).upsert(
  InvoicePaid,
  revenueId,
  (event) => ({ id: revenueId(event), month: monthOf(event), total: event.total.times(0) }),
  (row, { total }) => Object.assign(row, { total: row.total.plus(total) }),
);

export class OpenInvoices extends Query("OpenInvoices", { dueBefore: z.date() }).returns<InvoiceRow[]>() {}
export class RevenueOf extends Query("RevenueOf", { year: z.number().int() }).returns<Revenue[]>() {}
const invoiceQueries = queryHandlers(InvoiceRow).on(OpenInvoices, ({ dueBefore }, { view }) =>
  view.find({ where: { state: "open", dueAt: { lt: dueBefore } }, orderBy: { dueAt: "asc" } }),
);
const revenueQueries = queryHandlers(Revenue).on(RevenueOf, ({ year }, { view }) =>
  view.find({ where: { month: { startsWith: `${year}-` } }, orderBy: { id: "asc" } }),
);

const written = [Plan, planCommands, Subscription, subscriptionCommands, Invoice, invoiceCommands, dunning, provider];
const read = [InvoiceRow, invoiceRows, invoiceQueries, Revenue, revenues, revenueQueries];

export const openBilling = (options: Omit<DomainOptions, "elements">): Domain =>
  new Domain("billing", { elements: [...written, ...read], ...options });
