// What a year of billing comes to, calculated in whole cents and days, without anything of the example or of Nereus.

export interface Customer {
  readonly id: string;
  readonly tenant: string;
  readonly begins: number;
  readonly plan: number;
  readonly changes: readonly { readonly day: number; readonly plan: number }[];
  readonly leaves: number | undefined;
  /** Which bill cannot be paid at first, and for how many days; for good if it does not say. */
  readonly fails: { readonly bill: number; readonly paidAfter: number | undefined } | undefined;
}

export interface Bill {
  readonly id: string;
  readonly cents: bigint;
  readonly issuedOn: number;
  paidOn: number | undefined;
  writtenOff: boolean;
}

export interface Expected {
  readonly bills: Bill[];
  /** The days on which the customer wanted something that could not be. */
  readonly refused: number[];
  endedOn: number | undefined;
}

export const firstDay = Date.UTC(2026, 0, 1, 9);
export const planOf = (plan: number): bigint => [999n, 2995n, 9901n][plan] ?? 0n;

/** Three reminders after 3, 8 and 13 days, and the end after 18. */
const patience = 18;

export function expectedOf(customer: Customer, days: number): Expected {
  const year = new PlainYear(customer);
  for (let day = customer.begins; day < days; day++) year.pass(day);
  for (const one of year.result.bills) {
    if (one.paidOn !== undefined && one.paidOn >= days) one.paidOn = undefined;
    if (one.issuedOn + patience >= days) one.writtenOff = false;
  }
  return year.result;
}

class PlainYear {
  readonly result: Expected = { bills: [], refused: [], endedOn: undefined };
  readonly #customer: Customer;
  #from: number;
  #to: number;
  #months = 0;
  #plan: number;
  #credit = 0n;
  #isLeaving = false;

  constructor(customer: Customer) {
    this.#customer = customer;
    this.#from = customer.begins;
    this.#to = customer.begins + 14;
    this.#plan = customer.plan;
  }

  pass(day: number): void {
    const { changes, leaves } = this.#customer;
    if (this.result.endedOn === undefined) this.#begin(day);
    for (const { plan } of changes.filter((one) => one.day === day)) this.#change(day, plan);
    if (leaves !== day) return;
    if (this.result.endedOn === undefined) this.#isLeaving = true;
    else this.result.refused.push(day);
  }

  #begin(day: number): void {
    const { bills } = this.result;
    const isGivenUp = bills.some((one) => one.writtenOff && one.issuedOn + patience === day);
    if (isGivenUp || (day === this.#to && this.#isLeaving)) this.result.endedOn = day;
    else if (day === this.#to) {
      this.#months += 1;
      this.#from = this.#to;
      this.#to = monthsLater(this.#customer.begins + 14, this.#months);
      this.#bill(planOf(this.#plan), day);
    }
  }

  #change(day: number, plan: number): void {
    if (this.result.endedOn !== undefined || plan === this.#plan) {
      this.result.refused.push(day);
      return;
    }
    const [left, all] = [this.#to - day, this.#to - this.#from];
    const net = share(planOf(plan), left, all) - share(planOf(this.#plan), left, all);
    this.#plan = plan;
    if (this.#months === 0) return;
    if (net < 0n) this.#credit -= net;
    else this.#bill(net, day);
  }

  #bill(cents: bigint, issuedOn: number): void {
    const { id, fails } = this.#customer;
    const used = this.#credit < cents ? this.#credit : cents;
    this.#credit -= used;
    const number = this.result.bills.length + 1;
    const isFailing = fails?.bill === number && cents > used;
    const paidAfter = isFailing ? fails.paidAfter : 0;
    const isInTime = paidAfter !== undefined && paidAfter < patience;
    const paidOn = isInTime ? issuedOn + paidAfter : undefined;
    this.result.bills.push({ id: `${id}-${number}`, cents: cents - used, issuedOn, paidOn, writtenOff: !isInTime });
  }
}

/** Rounded to the cent, a half to the even one. */
function share(cents: bigint, part: number, of: number): bigint {
  const [twice, whole] = [cents * BigInt(part) * 2n, BigInt(of) * 2n];
  const floor = twice / whole;
  const rest = twice % whole;
  if (rest * 2n === whole) return floor + (floor % 2n);
  return rest * 2n > whole ? floor + 1n : floor;
}

function monthsLater(day: number, months: number): number {
  const date = new Date(firstDay + day * 86_400_000);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + months];
  const lengthOfMonth = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return (Date.UTC(year, month, Math.min(date.getUTCDate(), lengthOfMonth), 9) - firstDay) / 86_400_000;
}
