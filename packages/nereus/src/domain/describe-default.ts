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
  try {
    const [first, second] = [readDefault(schema), readDefault(schema)];
    if (first !== undefined && JSON.stringify(first) === JSON.stringify(second) && !isPresent(first)) {
      return { default: first };
    }
  } catch {
    // a default that cannot be made or stored without what it needs at run time
  }
  return { generated: true };
}

function readDefault(schema: z.core.$ZodType): JsonValue | undefined {
  const { defaultValue } = schema._zod.def as { readonly defaultValue?: unknown };
  const wire = wireOf(schema);
  const text: string | undefined = JSON.stringify(wire === undefined ? defaultValue : wire.encode(defaultValue));
  return text === undefined ? undefined : sorted(JSON.parse(text) as JsonValue);
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
