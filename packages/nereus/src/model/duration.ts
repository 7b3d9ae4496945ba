/**
 * A span of time: milliseconds, or parts that are added up.
 *
 * @example await bank.process(command, { timeout: { seconds: 30 } });
 */
export type Duration = number | DurationParts;

/** Numbers from 0, with fractions if need be; parts that are left out are 0. */
export interface DurationParts {
  readonly days?: number | undefined;
  readonly hours?: number | undefined;
  readonly minutes?: number | undefined;
  readonly seconds?: number | undefined;
  readonly milliseconds?: number | undefined;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const partsInMilliseconds: Readonly<Record<keyof DurationParts, number>> = {
  days: 24 * hour,
  hours: hour,
  minutes: minute,
  seconds: second,
  milliseconds: 1,
};

/** The longest span that counts, so that a moment and a span always make another moment: 10,000 years. */
const longest = 10_000 * 366 * 24 * hour;

/** Returns a span in milliseconds; NaN for what is none, for callers without types. */
export function millisecondsOf(duration: unknown): number {
  if (typeof duration === "number") return isSpan(duration) ? duration : Number.NaN;
  if (typeof duration !== "object" || duration === null || Array.isArray(duration)) return Number.NaN;
  const parts = Object.entries(duration).filter(([, value]) => value !== undefined);
  if (parts.length === 0) return Number.NaN;
  let sum = 0;
  for (const [part, value] of parts) {
    if (!Object.hasOwn(partsInMilliseconds, part) || !isSpan(value)) return Number.NaN;
    sum += value * partsInMilliseconds[part as keyof DurationParts];
  }
  return isSpan(sum) ? sum : Number.NaN;
}

function isSpan(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= longest;
}
