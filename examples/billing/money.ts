import { Decimal } from "decimal.js";
import { decimal, refuse, ValueObject } from "nereus";
import { z } from "zod";

const amount = decimal({
  scale: 2,
  as: { parse: (digits) => new Decimal(digits), format: (value) => value.toFixed() },
});

export class Money extends ValueObject("Money", { amount, currency: z.enum(["EUR", "USD"]) }) {
  plus({ amount, currency }: Money): Money {
    if (currency !== this.currency) refuse("currency", `${currency} cannot be added to ${this.currency}`);
    return this.with({ amount: this.amount.plus(amount) });
  }
  times(factor: number): Money {
    return this.with({ amount: this.amount.times(factor) });
  }
  /** The one place where money is rounded: to the cent, a half to the even one. */
  share(days: number, of: number): Money {
    return this.with({ amount: this.amount.times(days).div(of).toDecimalPlaces(2, Decimal.ROUND_HALF_EVEN) });
  }
}

const dayLength = 86_400_000;
export const daysAfter = (date: Date, days: number): Date => new Date(date.getTime() + days * dayLength);

/** The days from one moment to another; one that has begun counts. */
export const daysBetween = (from: Date, to: Date): number => Math.ceil((to.getTime() - from.getTime()) / dayLength);

/** The same day and time some months later (in UTC), or the last day of a month that is too short. */
export function monthsAfter(date: Date, months: number): Date {
  const later = new Date(date);
  later.setUTCMonth(date.getUTCMonth() + months, 1);
  const lastDay = new Date(Date.UTC(later.getUTCFullYear(), later.getUTCMonth() + 1, 0)).getUTCDate();
  later.setUTCDate(Math.min(date.getUTCDate(), lastDay));
  return later;
}
