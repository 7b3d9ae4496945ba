import { z } from "zod";
import { NereusError } from "./errors.ts";
import { marked } from "./marks.ts";
import type { StandardSchema } from "./standard-schema.ts";

let lastTime = 0;
let counter = 0;
/** The parts of an identity that stay the same within a millisecond: time before the counter, random bits after. */
let head = "";
let tail = "";

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");
const counters: readonly string[] = Array.from({ length: 0x1000 }, (_, value) => hex(value, 3));

let source: (() => string | undefined) | undefined;

/** Takes identities from elsewhere, for tests that compare them; where there is none, or no source, they are UUIDs. */
export function useIdentitySource(next: (() => string | undefined) | undefined): void {
  source = next;
}

/**
 * A UUID version 7 (RFC 9562): 48 bits of milliseconds, then a 12-bit counter that keeps the identities of one process
 * in the order in which they were made, then 62 random bits, drawn anew for each millisecond.
 *
 * @example newIdentity(); // "0192f0c1-7f3a-7000-9c1d-2b7e4f6a8d10"
 */
export function newIdentity(): string {
  const given = source?.();
  if (given !== undefined) return given;
  const now = Date.now();
  if (now > lastTime) startMillisecond(now);
  // within a millisecond, or after the clock was set back, the counter goes on
  else if (++counter > 0xfff) startMillisecond(lastTime + 1);
  return head + counters[counter] + tail;
}

function startMillisecond(time: number): void {
  lastTime = time;
  counter = 0;
  const digits = hex(time, 12);
  head = `${digits.slice(0, 8)}-${digits.slice(8)}-7`;
  const [first, second] = [randomBits(), randomBits()];
  const variant = hex(((first >>> 16) & 0x3fff) | 0x8000, 4);
  tail = `-${variant}-${hex(first & 0xffff, 4)}${hex(second, 8)}`;
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
 * does, since a missing identity there is a mistake. Any text but the empty one, up to 1,000 bytes of UTF-8, without NUL
 * and well-formed (no lone surrogates), so that every store keeps it exactly.
 *
 * @example
 * class Product extends Aggregate("Product", { productId: identifier(), name: z.string() }) {}
 * class Ticket extends Aggregate("Ticket", { number: identifier({ generate: nextTicketNumber }) }) {}
 */
export function identifier(options: IdentifierOptions = {}): IdentifierField {
  // the mark is a property of the schema object, which Zod's types do not know
  return marked(identitySchema(), {
    [mark]: { generate: options.generate ?? newIdentity },
  }) as unknown as IdentifierField;
}

/** Text that may be an identity. */
export function identitySchema(): z.ZodString {
  return z.string().check(checkIdentity);
}

/** In bytes of UTF-8: what an index of every database takes, twice. */
export const longestIdentity = 1000;

/** One check, because messages run it all the time; each fault still has its own code and words. */
function checkIdentity({ value, issues }: z.core.ParsePayload<string>): void {
  const about = { input: value, path: [] };
  if (value.length === 0) {
    issues.push({ ...about, code: "too_small", origin: "string", minimum: 1, message: "must not be empty" });
  } else if (!isShort(value)) {
    const message = `must have at most ${longestIdentity} bytes of UTF-8`;
    issues.push({ ...about, code: "too_big", origin: "string", maximum: longestIdentity, message });
  } else if (!isStorable(value)) {
    issues.push({ ...about, code: "custom", message: "contains NUL or a lone surrogate" });
  }
}

/** For callers without types. @throws NereusError IDENTITY_MISSING */
export function assertIdentity(id: unknown): asserts id is string {
  if (typeof id === "string" && id !== "") return;
  throw new NereusError("IDENTITY_MISSING", `An identity is a text with something in it, not ${String(id)}`, {
    fix: "Pass the identity as text.",
  });
}

/** Whether a value may be an identity. */
export function isIdentity(value: unknown): boolean {
  return typeof value === "string" && value.length > 0 && isShort(value) && isStorable(value);
}

/** Whether a text is no longer than an identity may be. */
export function isShort(text: string): boolean {
  if (text.length * 3 <= longestIdentity) return true;
  return text.length <= longestIdentity && new TextEncoder().encode(text).length <= longestIdentity;
}

/** Whether every store keeps a text exactly: no NUL, no lone surrogate. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

/** How a field generates identities, if it is an identifier. */
export function identifierOf(field: unknown): { readonly generate: () => string } | undefined {
  if (typeof field !== "object" || field === null || !(mark in field)) return undefined;
  return field[mark] as { generate: () => string };
}

const drawn = new Uint32Array(128);
let used = drawn.length;

/** 32 of them: to draw many at once takes hardly longer than to draw a few. */
function randomBits(): number {
  if (used === drawn.length) {
    crypto.getRandomValues(drawn);
    used = 0;
  }
  return drawn[used++] as number;
}
