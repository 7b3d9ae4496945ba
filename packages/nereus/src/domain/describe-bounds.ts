import { z } from "zod";
import { describeScalar } from "./describe-default.ts";
import type { JsonValue } from "./model-description.ts";

export type Details = { readonly [key: string]: JsonValue };

/** The definition of a check, with whatever it says. */
interface Check {
  readonly check?: string;
  readonly format?: string;
  readonly [detail: string]: unknown;
}

/** What a schema wants of its values besides their type: bounds, formats, patterns, and how many tests there are in code. */
export function describeBounds(schema: z.core.$ZodType): Details {
  const own = schema._zod.def as { readonly checks?: readonly z.core.$ZodCheck[] }; // not spread: that would make defaults
  const { checks = [] } = own;
  const found = new Bounds();
  if ("check" in own) found.add(own as Check); // z.email() is type and check in one
  for (const check of checks) found.add(check._zod.def as unknown as Check);
  return found.details;
}

/** A limit under the name of what it limits. */
const limits: Readonly<Record<string, readonly [name: string, from: string]>> = {
  min_length: ["minLength", "minimum"],
  max_length: ["maxLength", "maximum"],
  length_equals: ["length", "length"],
  min_size: ["minSize", "minimum"],
  max_size: ["maxSize", "maximum"],
  size_equals: ["size", "size"],
  multiple_of: ["multipleOf", "value"],
};

/** Limits on an order: without the limit itself, and with it. */
const orders: Readonly<Record<string, readonly (readonly [name: string, from: string])[]>> = {
  greater_than: [
    ["above", "value"],
    ["min", "value"],
  ],
  less_than: [
    ["below", "value"],
    ["max", "value"],
  ],
};

/** What is code is only counted. */
const counted: Readonly<Record<string, string>> = { overwrite: "normalised", custom: "refined" };

/** Formats of a text that are no more than one detail. */
const parts: Readonly<Record<string, readonly [name: string, from: string]>> = {
  regex: ["pattern", "pattern"],
  starts_with: ["startsWith", "prefix"],
  ends_with: ["endsWith", "suffix"],
  includes: ["includes", "includes"],
};

/** Formats that say with their own name and options all that their pattern says. */
const computed = new Set(["datetime", "time", "uuid", "guid", "emoji", "mac"]);
const known: ReadonlySet<string> = new Set(
  Object.values(z.core.regexes)
    .filter((one) => one instanceof RegExp)
    .map(String),
);
const plumbing = new Set(["check", "type", "format", "abort", "pattern", "fn", "error", "when", "coerce"]);

class Bounds {
  readonly details: Record<string, JsonValue> = {};

  add(check: Check): void {
    const name = check.check ?? "custom";
    const limit = limits[name] ?? orders[name]?.[check["inclusive"] === true ? 1 : 0];
    if (limit !== undefined) this.#set(limit[0], check[limit[1]]);
    else if (name === "number_format" || name === "bigint_format") this.#numberFormat(check.format);
    else if (name === "string_format") this.#textFormat(check);
    else this.#count(counted[name] ?? name);
  }

  #numberFormat(format = ""): void {
    if (/int/.test(format) && !format.endsWith("64")) this.details["type"] = "integer";
    if (format !== "safeint") this.#set("format", format);
  }

  #textFormat(check: Check): void {
    const { format = "", pattern } = check;
    const part = parts[format];
    if (part !== undefined) {
      this.#set(part[0], check[part[1]]);
      return;
    }
    this.#set("format", format);
    const isOwn = pattern instanceof RegExp && !computed.has(format) && !known.has(String(pattern));
    if (isOwn) this.#set("pattern", pattern);
    for (const [key, value] of Object.entries(check)) if (!plumbing.has(key) && says(value)) this.#set(key, value);
  }

  /** A second bound of the same name stands beside the first. */
  #set(name: string, value: unknown): void {
    const next = describeScalar(value);
    const before = this.details[name];
    this.details[name] = before === undefined || before === next ? next : [before, next].flat();
  }

  #count(name: string): void {
    this.details[name] = Number(this.details[name] ?? 0) + 1;
  }
}

/** An option that is off, or is code, says nothing. */
function says(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && typeof value !== "function";
}
