import type { z } from "zod";
import { definitionOf } from "./element.ts";
import type { Issue } from "./errors.ts";
import { isPlain } from "./freeze.ts";
import { definitionOfSchema, isZod } from "./zod-schema.ts";

/**
 * The most levels of lists, objects, maps and sets that a value may have, one inside the other: half of what the JSON functions
 * of SQLite take, so that every store can keep, copy and search it.
 */
export const mostLevels = 500;

/** The code of the issue that a value is nested too deeply. */
const code = "too_deep";

/** Whether a value is nested more deeply than allowed. One that contains itself is. Needs no stack, however deep it is. */
export function isTooDeep(value: unknown): boolean {
  if (isFlat(value, mostly) || !isNested(value)) return false;
  const open: object[] = [value];
  const levels: number[] = [1];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const level = (levels.pop() ?? 0) + 1;
    for (const part of partsOf(next)) {
      if (!isNested(part)) continue;
      if (level > mostLevels) return true;
      open.push(part);
      levels.push(level);
    }
  }
  return false;
}

/** The levels that most values end within. */
const mostly = 16;

/** Whether a value is surely no deeper: lists and plain objects within a few levels, without a list of what is left to look at. */
function isFlat(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (levels === 0 || !isPlain(value)) return false;
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) if (!isFlat(item, levels - 1)) return false;
    return true;
  }
  for (const key in value) if (!isFlat((value as Record<string, unknown>)[key], levels - 1)) return false;
  return true;
}

/** The issue of a value that is nested too deeply. */
export function tooDeep(path: Issue["path"]): Issue {
  return { path, code, message: `is nested more than ${mostLevels} levels deep, or contains itself` };
}

/** The code of an error with these issues. */
export function codeOf(issues: readonly Issue[]): "VALUE_TOO_DEEP" | "VALIDATION_FAILED" {
  return issues.some((issue) => issue.code === code) ? "VALUE_TOO_DEEP" : "VALIDATION_FAILED";
}

/** Instances of other classes than these are not followed: nobody knows what of them is data. */
function isNested(value: unknown): value is object {
  if (isPlain(value) || value instanceof Map || value instanceof Set) return true;
  return typeof value === "object" && value !== null && isValueObject(value.constructor);
}

function isValueObject(type: unknown): boolean {
  return definitionOf(type, "valueObject") !== undefined;
}

function partsOf(value: object): Iterable<unknown> {
  if (Array.isArray(value) || value instanceof Set) return value;
  return value instanceof Map ? [...value.keys(), ...value.values()] : Object.values(value);
}

/** The types of schemas that say nothing of what is inside. */
const unknownInside: ReadonlySet<string> = new Set(["any", "unknown", "custom", "transform", "lazy", "promise"]);

/**
 * Whether the values of a field may be nested to any depth: its schema does not tell what is inside, or contains itself. Any
 * other is as deep as its schema, and needs no look at each value.
 */
export function isBottomless(field: unknown): boolean {
  if (isZod(field)) return !hasBottom(field, new Set(), new Set());
  return !isValueObject(field); // whose constructor looks at its own fields
}

/** @param above the schemas that it stands in, `known` those that were looked at */
function hasBottom(schema: z.core.$ZodType, above: Set<object>, known: Set<object>): boolean {
  if (above.has(schema)) return false;
  if (known.has(schema) || isValueObject(schema)) return true;
  const definition = definitionOfSchema(schema);
  if (unknownInside.has(definition.type)) return false;
  above.add(schema);
  const isBounded = schemasIn(definition).every((part) => hasBottom(part, above, known));
  above.delete(schema);
  known.add(schema);
  return isBounded;
}

function schemasIn(definition: ReturnType<typeof definitionOfSchema>): z.core.$ZodType[] {
  const { innerType, element, valueType, keyType, left, right, rest, catchall, in: from, out } = definition;
  const { shape = {}, items = [], options = [] } = definition;
  const parts = [innerType, element, valueType, keyType, left, right, rest, catchall, from, out];
  return [...parts, ...Object.values(shape), ...items, ...options].filter(isZod);
}
