import { crc32 } from "node:zlib";

/**
 * The checksum of a payload's JSON text: CRC-32 of its UTF-8 bytes. It finds damage (a flipped bit, a truncated
 * page, an edit by hand), at a tenth of a microsecond a message, so that every read can check it.
 */
export function checksumOf(data: string): number {
  return crc32(data);
}

/**
 * The checksum of texts that are joined by a separator in ASCII, from their own checksums and lengths in bytes: CRC-32 is
 * linear, so that no text has to be looked at again. What damages one of them shows in the whole as surely as in the one.
 */
export class JoinedChecksum {
  readonly #separator: { readonly checksum: number; readonly length: number };
  readonly #steps = new Map<number, Step>();

  constructor(separator: string) {
    this.#separator = { checksum: checksumOf(separator), length: separator.length };
  }

  of(checksums: readonly number[], lengths: readonly number[]): number {
    let joined = checksums[0] ?? 0;
    for (let at = 1; at < checksums.length; at++) {
      const { products, separator } = this.#step(lengths[at] ?? 0);
      let moved = separator;
      for (let half = 0; half < 8; half++) moved ^= products[half * 16 + ((joined >>> (half * 4)) & 15)] ?? 0;
      joined = moved ^ (checksums[at] ?? 0);
    }
    return joined >>> 0;
  }

  #step(length: number): Step {
    const known = this.#steps.get(length);
    if (known !== undefined) return known;
    const step = {
      products: productsOf(powerOf(length + this.#separator.length)),
      separator: product(powerOf(length), this.#separator.checksum),
    };
    if (this.#steps.size < mostSteps) this.#steps.set(length, step);
    return step;
  }
}

/** What one more text of a length does to the checksum of those before it and the separator. */
interface Step {
  /** What each half of a byte of that checksum comes to. */
  readonly products: Int32Array;
  readonly separator: number;
}

const mostSteps = 1024;

/** CRC-32's polynomial. Polynomials are held with the coefficient of x to the power of 0 in the highest bit. */
const polynomial = 0xedb88320;

function timesX(value: number): number {
  return value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
}

/** The product of two polynomials, modulo that of CRC-32. */
function product(one: number, other: number): number {
  let sum = 0;
  let moved = other;
  for (let rest = one | 0; rest !== 0; rest <<= 1) {
    if (rest < 0) sum ^= moved;
    moved = timesX(moved);
  }
  return sum;
}

/** x to the power of the bits in so many bytes. */
function powerOf(bytes: number): number {
  let result = 0x80000000;
  let power = 0x800000;
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = product(power, result);
    power = product(power, power);
  }
  return result;
}

function productsOf(factor: number): Int32Array {
  const products = new Int32Array(128);
  let moved = factor;
  for (let bit = 31; bit >= 0; bit--) {
    const start = (bit >> 2) * 16;
    const own = 1 << (bit & 3);
    for (let half = 0; half < 16; half++)
      if (half & own) products[start + half] = (products[start + half] ?? 0) ^ moved;
    moved = timesX(moved);
  }
  return products;
}
