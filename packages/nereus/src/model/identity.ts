import { z } from "zod";
import type { StandardSchema } from "./standard-schema.ts";

/** Random bytes are drawn in blocks: one call of the system's generator serves 256 identities. */
const block = new Uint8Array(256 * 10);
let used = block.length;
let lastTime = 0;
let counter = 0;

const hex: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/**
 * A UUID version 7 (RFC 9562): 48 bits of milliseconds, then a 12-bit counter that keeps identities of one process
 * in the order in which they were made, then 62 random bits.
 *
 * @example newIdentity(); // "0192f0c1-7f3a-7000-9c1d-2b7e4f6a8d10"
 */
export function newIdentity(): string {
  tick();
  if (used + 8 > block.length) {
    crypto.getRandomValues(block);
    used = 0;
  }
  const high = Math.floor(lastTime / 0x1_0000_0000);
  const low = lastTime >>> 0;
  const time = byte(high >>> 8) + byte(high) + byte(low >>> 24) + byte(low >>> 16);
  const at = used;
  used += 8;
  const rest = byte(((block[at] ?? 0) & 0x3f) | 0x80) + random(at + 1);
  const tail = random(at + 2) + random(at + 3) + random(at + 4) + random(at + 5) + random(at + 6) + random(at + 7);
  return `${time}-${byte(low >>> 8)}${byte(low)}-7${counterText()}-${rest}-${tail}`;
}

/** Time never runs backwards here: within a millisecond, or after the clock was set back, the counter goes on. */
function tick(): void {
  const now = Date.now();
  if (now > lastTime) {
    lastTime = now;
    counter = 0;
    return;
  }
  counter += 1;
  if (counter > 0xfff) {
    lastTime += 1;
    counter = 0;
  }
}

function byte(value: number): string {
  return hex[value & 0xff] as string;
}

function random(at: number): string {
  return hex[block[at] ?? 0] as string;
}

function counterText(): string {
  return counter.toString(16).padStart(3, "0");
}

const mark: unique symbol = Symbol.for("nereus.identifier") as never;

declare const identifierType: unique symbol;

/** The type of `identifier()`: a string schema that marks the identity. */
export interface IdentifierField extends StandardSchema<string, string> {
  readonly [identifierType]: true;
}

export interface IdentifierOptions {
  /** Makes an identity where none is given. Default: UUID version 7. */
  readonly generate?: () => string;
}

/**
 * The field that identifies an aggregate, entity or row, or names one in a message.
 *
 * A state-stored aggregate or entity that is constructed without it gets a new one from `generate`; a message never
 * does, since a missing identity there is a mistake. Any text but the empty one, up to 1,000 characters, without NUL
 * and well-formed (no lone surrogates), so that every store keeps it exactly.
 *
 * @example
 * class Product extends Aggregate("Product", { productId: identifier(), name: z.string() }) {}
 * class Ticket extends Aggregate("Ticket", { number: identifier({ generate: nextTicketNumber }) }) {}
 */
export function identifier(options: IdentifierOptions = {}): IdentifierField {
  const schema = z.string().min(1).max(1000).refine(isStorable, "contains NUL or a lone surrogate");
  // the mark is a property of the schema object, which Zod's types do not know
  return Object.assign(schema, { [mark]: { generate: options.generate ?? newIdentity } }) as unknown as IdentifierField;
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

/** How a field generates identities, if it is an identifier. */
export function identifierOf(field: unknown): { readonly generate: () => string } | undefined {
  if (typeof field !== "object" || field === null || !(mark in field)) return undefined;
  return field[mark] as { generate: () => string };
}
