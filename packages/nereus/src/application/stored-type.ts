import type { z } from "zod";
import type { CompiledField } from "../model/field.ts";
import { definitionOfSchema, isCodec, isZod, unwrap } from "../model/zod-schema.ts";
import type { FieldType } from "../ports/store.ts";

const byType: Readonly<Record<string, FieldType>> = {
  string: "text",
  template_literal: "text",
  date: "text",
  boolean: "boolean",
  bigint: "bigint",
};

/** How a stored field compares: by the type that its wire form has. */
export function storedTypeOf({ declared }: CompiledField): FieldType {
  return isZod(declared) ? typeOfSchema(declared) : "json";
}

const lists = new Set(["array", "tuple", "record", "map", "set"]);

/** Whether a field holds any number of values, which no query looks into. */
export function isList({ declared }: CompiledField): boolean {
  return isZod(declared) && lists.has(definitionOfSchema(unwrap(declared)).type);
}

function typeOfSchema(schema: z.core.$ZodType): FieldType {
  const inner = unwrap(schema);
  const { type, values, entries, in: wire } = definitionOfSchema(inner);
  if (isCodec(inner) && wire !== undefined) return typeOfSchema(wire);
  if (type === "number" || type === "int") return "isInt" in inner && inner.isInt === true ? "integer" : "real";
  if (type === "literal" && values !== undefined) return literalType(values);
  if (type === "enum" && entries !== undefined) return literalType(Object.values(entries));
  return byType[type] ?? "json";
}

function literalType(values: readonly unknown[]): FieldType {
  const types = new Set(values.map((value) => typeof value));
  if (types.size !== 1) return "json";
  if (types.has("string")) return "text";
  if (types.has("number")) return "real";
  return types.has("boolean") ? "boolean" : "json";
}
