import { hash } from "node:crypto";

/** A UUID version 8 (RFC 9562) that follows from texts: the same for the same ones, so that what is written again is known again. */
export function derivedId(...texts: readonly string[]): string {
  const digits = hash("sha256", JSON.stringify(["nereus", ...texts]));
  const variant = (Number.parseInt(digits.charAt(16), 16) & 3) | 8;
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `8${digits.slice(13, 16)}`,
    `${variant.toString(16)}${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join("-");
}
