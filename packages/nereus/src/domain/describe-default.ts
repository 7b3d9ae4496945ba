import type { z } from "zod";
import { wireOf } from "../model/wire.ts";
import type { JsonValue } from "./model-description.ts";

/** A single value that stands in a schema. */
export function describeScalar(value: unknown): JsonValue {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  return String(value);
}

/**
 * The default of a schema in its stored form. Zod does not tell a constant from what a function makes: it is taken for a
 * constant if it is the same twice, and is not of this moment.
 */
export function describeDefault(schema: z.core.$ZodType): { default: JsonValue } | { generated: true } {
  const constant = constantOf(() => {
    const { defaultValue } = schema._zod.def as { readonly defaultValue?: unknown };
    const wire = wireOf(schema);
    return wire === undefined ? defaultValue : wire.encode(defaultValue);
  });
  return constant === undefined ? { generated: true } : { default: sorted(constant) };
}

/** What is made in stored form, if it is a constant: a function may also make another value each time. */
export function constantOf(make: () => unknown): JsonValue | undefined {
  try {
    const [first, second] = [JSON.stringify(make()), JSON.stringify(make())] as (string | undefined)[];
    if (first === undefined || first !== second) return undefined;
    const value = JSON.parse(first) as JsonValue;
    return isPresent(value) ? undefined : value;
  } catch {
    return undefined; // a default that cannot be made or stored without what it needs at run time
  }
}

/** The order of keys says nothing. */
function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value as { readonly [key: string]: JsonValue });
  return Object.fromEntries(
    entries.sort(([one], [other]) => (one < other ? -1 : 1)).map(([key, part]) => [key, sorted(part)]),
  );
}

const minute = 60_000;
const day = 24 * 60 * minute;

/** Whether a clock made the value just now: no constant is meant to be. */
function isPresent(value: JsonValue): boolean {
  if (Array.isArray(value)) return value.some(isPresent);
  if (typeof value === "object" && value !== null) return Object.values(value).some(isPresent);
  if (typeof value === "number") return isNear(value, minute) || isNear(value * 1000, minute);
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\d/.test(value)) return false;
  return isNear(Date.parse(value), value.length === "2026-11-23".length ? 2 * day : minute);
}

function isNear(time: number, distance: number): boolean {
  return Math.abs(time - Date.now()) < distance;
}
