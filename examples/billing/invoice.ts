import { Event, EventSourcedAggregate, identifier, reference, status, ValueObject } from "nereus";
import { z } from "zod";
import { Money } from "./money.ts";

export class Line extends ValueObject("Line", { text: z.string(), price: Money }) {}

// Invoices are event-sourced: an accountant asks what happened to one, and when, and never for it to be changed.

const invoiceId = identifier();
const of = { invoiceId, subscriptionId: z.string() };
const document = { customer: z.string(), lines: z.array(Line.schema()), total: Money, dueAt: z.date() };

export class InvoiceIssued extends Event("InvoiceIssued", { ...of, ...document }) {}
export class InvoicePaid extends Event("InvoicePaid", { ...of, total: Money, paidAt: z.date() }) {}
export class PaymentFailed extends Event("PaymentFailed", { ...of, failedAt: z.date() }) {}
export class CustomerReminded extends Event("CustomerReminded", { ...of, reminder: z.number(), at: z.date() }) {}
export class InvoiceWrittenOff extends Event("InvoiceWrittenOff", of) {}

const states = { OPEN: ["PAID", "WRITTEN_OFF"], PAID: [], WRITTEN_OFF: ["PAID"] } as const;

export class Invoice extends EventSourcedAggregate("Invoice", {
  invoiceId,
  subscriptionId: reference("Subscription"),
  ...document,
  status: status(states, "OPEN"),
  hasFailed: z.boolean().default(false),
  reminders: z.number().default(0),
})
  .applies(InvoiceIssued, (invoice, event) => Object.assign(invoice, { ...event }))
  .applies(InvoicePaid, (invoice) => Object.assign(invoice, { status: "PAID" }))
  .applies(PaymentFailed, (invoice) => Object.assign(invoice, { hasFailed: true }))
  .applies(CustomerReminded, (invoice, { reminder }) => Object.assign(invoice, { reminders: reminder }))
  .applies(InvoiceWrittenOff, (invoice) => Object.assign(invoice, { status: "WRITTEN_OFF" }))
  .invariant("total", "The lines add up to the total", ({ lines, total }) => sumOf(lines).equals(total)) {
  /** An invoice that comes to nothing is paid as it is issued. */
  static issue(issued: Omit<ConstructorParameters<typeof InvoiceIssued>[0], "total"> & { lines: Line[]; dueAt: Date }) {
    const total = sumOf(issued.lines);
    return Invoice.create((own) =>
      own.change(() => {
        own.raise(new InvoiceIssued({ ...issued, total }));
        if (total.amount.isZero()) own.pay(total, issued.dueAt);
      }),
    );
  }

  pay(paid: Money, paidAt: Date): void {
    const { total } = this;
    if (this.status === "PAID") this.refuse("alreadyPaid", "It is paid already");
    if (!paid.equals(total)) this.refuse("amount", `${total.amount} ${total.currency} are due`, "total");
    this.raise(new InvoicePaid({ ...this.#of(), total, paidAt }));
  }

  /** Each attempt of the provider may fail; the first failure begins the dunning. */
  fail(failedAt: Date): void {
    if (this.status === "OPEN" && !this.hasFailed) this.raise(new PaymentFailed({ ...this.#of(), failedAt }));
  }

  /** The next reminder; after the last one it is written off. */
  dun(at: Date): void {
    if (this.reminders === 3) this.raise(new InvoiceWrittenOff(this.#of()));
    else this.raise(new CustomerReminded({ ...this.#of(), reminder: this.reminders + 1, at }));
  }

  #of(): { invoiceId: string; subscriptionId: string } {
    return { invoiceId: this.invoiceId, subscriptionId: this.subscriptionId };
  }
}

/** There is at least one: without, there is no currency. */
export const sumOf = (lines: readonly Line[]): Money =>
  lines.map(({ price }) => price).reduce((sum, price) => sum.plus(price));
