import { z } from "zod";

/** The parts of a Zod 4 schema definition that are read here and on the way to JSON. */
export interface SchemaDefinition {
  readonly type: string;
  readonly innerType?: z.core.$ZodType;
  readonly element?: z.core.$ZodType;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly catchall?: z.core.$ZodType;
  readonly keyType?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly items?: readonly z.core.$ZodType[];
  readonly rest?: z.core.$ZodType | null;
  readonly options?: readonly z.core.$ZodType[];
  readonly left?: z.core.$ZodType;
  readonly right?: z.core.$ZodType;
  readonly in?: z.core.$ZodType;
  readonly out?: z.core.$ZodType;
  readonly reverseTransform?: unknown;
  readonly getter?: () => z.core.$ZodType;
  readonly values?: readonly unknown[];
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly checks?: readonly unknown[];
  readonly coerce?: boolean;
}

export const native: ReadonlySet<string> = new Set([
  "string",
  "number",
  "int",
  "boolean",
  "null",
  "undefined",
  "enum",
  "template_literal",
  "never",
]);
export const wrappers: ReadonlySet<string> = new Set([
  "optional",
  "nullable",
  "nonoptional",
  "default",
  "prefault",
  "catch",
  "readonly",
  "success",
]);
const scalars = new Set([...native, "bigint", "literal"]);

/** Whether a value is a Zod 4 schema, of whichever copy of Zod. */
export function isZod(schema: unknown): schema is z.core.$ZodType {
  return typeof schema === "object" && schema !== null && "_zod" in schema;
}

export function definitionOfSchema(schema: z.core.$ZodType): SchemaDefinition {
  return schema._zod.def as SchemaDefinition;
}

/** The schema under optional, nullable, default and the like. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const { type, innerType } = definitionOfSchema(schema);
  return wrappers.has(type) && innerType !== undefined ? unwrap(innerType) : schema;
}

/** Whether every value of the schema is a primitive, so that it needs neither freezing nor copying. */
export function isScalar(schema: z.core.$ZodType): boolean {
  return scalars.has(definitionOfSchema(unwrap(schema)).type);
}

/** Whether a schema is a two-way codec (`z.codec`), whose values have a rich and a wire form. */
export function isCodec(schema: z.core.$ZodType): boolean {
  return definitionOfSchema(unwrap(schema)).reverseTransform !== undefined;
}

/** Whether a two-way codec stands anywhere in a schema, so that its values have a rich and a wire form. */
export function hasCodec(schema: z.core.$ZodType, seen: Set<object> = new Set()): boolean {
  if (isCodec(schema)) return true;
  if (seen.has(schema)) return false;
  seen.add(schema);
  const { type, shape = {}, items = [], options = [], ...own } = definitionOfSchema(schema);
  if (type === "pipe") return false; // a one-way transform, whatever stands before it
  const { innerType, element, valueType, keyType, left, right, rest } = own;
  const parts = [
    innerType,
    element,
    valueType,
    keyType,
    left,
    right,
    rest,
    ...Object.values(shape),
    ...items,
    ...options,
  ];
  return parts.some((part) => isZod(part) && hasCodec(part, seen));
}

/** Whether a value is one of a schema, in its rich form. */
export function takesRich(schema: z.core.$ZodType, value: unknown): boolean {
  try {
    return (hasCodec(schema) ? z.safeEncode(schema, value) : z.safeParse(schema, value)).success;
  } catch {
    return false; // a codec's own encode choked on another form
  }
}
