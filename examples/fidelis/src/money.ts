/** An amount in hellers, a hundredth of a koruna, always a safe integer: money is never a float. */
export type Hellers = number;

const PRINTED = /^(-?)(\d{1,14})\.(\d{2})$/;

/** Reads `900.00` as 90000. Undefined for anything but digits, a point and two decimals, or if it is no safe integer. */
export function parseMoney(text: string): Hellers | undefined {
  const match = PRINTED.exec(text);
  if (match === null) return undefined;
  const hellers = Number(`${match[2]}${match[3]}`);
  if (!Number.isSafeInteger(hellers)) return undefined;
  return match[1] === "-" && hellers !== 0 ? -hellers : hellers;
}

/** Prints -1234567 as `-12,345.67`. */
export function formatMoney(hellers: Hellers): string {
  const digits = String(Math.abs(hellers)).padStart(3, "0");
  return `${hellers < 0 ? "-" : ""}${grouped(digits.slice(0, -2))}.${digits.slice(-2)}`;
}

/** Prints 49102 as `49,102`. */
export function formatCount(count: number): string {
  return `${count < 0 ? "-" : ""}${grouped(String(Math.abs(Math.round(count))))}`;
}

function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ",");
}

export interface DifferenceBucket {
  readonly within: Hellers;
  /** How many differences are at most `within`, whatever their sign: the buckets add up from small to large. */
  readonly count: number;
}

/** Exact, one rounding step of the bank (0.10), five of them (0.50). */
export const differenceLimits: readonly Hellers[] = [0, 10, 50];

export function differenceBuckets(differences: readonly Hellers[], limits = differenceLimits): DifferenceBucket[] {
  return limits.map((within) => ({
    within,
    count: differences.filter((difference) => Math.abs(difference) <= within).length,
  }));
}
