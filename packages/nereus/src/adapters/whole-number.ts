/** A whole number given in digits, or undefined where the value is something else. */
export function wholeNumberOf(value: unknown): bigint | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const digits = String(value);
  return /^-?\d+$/.test(digits) ? BigInt(digits) : undefined;
}

/** Databases order whole numbers exactly within 64 bits, and beyond as floating-point numbers. */
export function magnitudeOf(value: bigint): bigint | number {
  return BigInt.asIntN(64, value) === value ? value : Number(value);
}
