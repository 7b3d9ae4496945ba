import { z } from "zod";
import { isPlain } from "./freeze.ts";
import { definitionOfSchema, isZod } from "./zod-schema.ts";

/** Zod leaves it out of records and loose objects, without a word. */
const lost = "__proto__";

/**
 * The parser of a field, which refuses the key `__proto__` where the field's schema would leave it out: what is given is kept exactly,
 * or refused.
 */
export function keepingKeys(field: z.core.$ZodType, parser: z.core.$ZodType): z.core.$ZodType {
  if (!hasOpenKeys(field, new Set())) return parser;
  return z
    .any()
    .optional()
    .transform((value, context) => {
      const parsed = z.safeParse(parser, value);
      const path = parsed.success ? lostKey(value, parsed.data) : undefined;
      if (path !== undefined) context.addIssue({ code: "custom", path, message: "cannot be a key of a record" });
      for (const issue of parsed.error?.issues ?? []) context.addIssue({ ...issue } as never);
      return parsed.success ? parsed.data : z.NEVER;
    });
}

/** Whether values may have keys that the schema does not name. */
function hasOpenKeys(schema: z.core.$ZodType, seen: Set<object>): boolean {
  if (seen.has(schema)) return false;
  seen.add(schema);
  const { type, catchall, shape = {}, items = [], options = [], getter, ...own } = definitionOfSchema(schema);
  if (type === "record" || type === "lazy" || (type === "object" && catchall !== undefined)) return true;
  const { innerType, element, valueType, keyType, left, right, rest, in: from, out } = own;
  const parts = [innerType, element, valueType, keyType, left, right, rest, from, out];
  return [...parts, ...Object.values(shape), ...items, ...options].some(
    (part) => isZod(part) && hasOpenKeys(part, seen),
  );
}

/** Where a key was in what was given and is not in what became of it. */
function lostKey(given: unknown, kept: unknown): PropertyKey[] | undefined {
  if (given === kept || !isPlain(given) || !isPlain(kept)) return undefined;
  if (Object.hasOwn(given, lost) && !Object.hasOwn(kept, lost)) return [lost];
  for (const key of Object.keys(kept)) {
    const within = lostKey((given as Record<string, unknown>)[key], (kept as Record<string, unknown>)[key]);
    if (within !== undefined) return [key, ...within];
  }
  return undefined;
}
