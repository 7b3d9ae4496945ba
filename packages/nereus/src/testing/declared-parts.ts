import type { z } from "zod";
import { relationOf } from "../model/relation.ts";
import { type WireCodec, wireOf } from "../model/wire.ts";
import { definitionOfSchema, isCodec, isZod, takesRich, unwrap } from "../model/zod-schema.ts";

/** How the values of a field are stored; undefined where JSON carries them as they are, or nothing is known of the field. */
export function wireIn(field: unknown): WireCodec | undefined {
  if (field === undefined) return undefined;
  const relation = relationOf(field);
  return relation === undefined ? wireOf(field) : relation.wire;
}

/** What is declared of a key in a field's plain data, as far as its schema says. */
export function declaredAt(field: unknown, value: unknown, key: string): unknown {
  const schema = schemaOf(field, value);
  if (schema === undefined) return undefined;
  const { type, shape = {}, catchall, valueType, left, right } = definitionOfSchema(schema);
  if (type === "object") return Object.hasOwn(shape, key) ? shape[key] : catchall;
  if (type === "intersection") return declaredAt(left, value, key) ?? declaredAt(right, value, key);
  return type === "record" ? valueType : undefined;
}

/** What is declared of an item of a list. */
export function declaredOf(field: unknown, value: unknown, index: number): unknown {
  const schema = schemaOf(field, value);
  if (schema === undefined) return undefined;
  const { type, element, items = [], rest } = definitionOfSchema(schema);
  if (type === "array") return element;
  return type === "tuple" ? (items[index] ?? rest ?? undefined) : undefined;
}

/** What is declared of the values of a map, or the members of a set. */
export function declaredWithin(field: unknown, value: unknown): unknown {
  const schema = schemaOf(field, value);
  return schema === undefined ? undefined : definitionOfSchema(schema).valueType;
}

/** Whether the keys of a field's plain data are data too, so that none of them may be left out. */
export function isRecord(field: unknown, value: unknown): boolean {
  const schema = schemaOf(field, value);
  return schema !== undefined && definitionOfSchema(schema).type === "record";
}

/** The schema that a value is of: past wrappers, of a union the option that takes it. */
function schemaOf(field: unknown, value: unknown): z.core.$ZodType | undefined {
  if (!isZod(field)) return undefined;
  const schema = unwrap(field);
  const { type, options = [], getter, out } = definitionOfSchema(schema);
  if (type === "union")
    return schemaOf(
      options.find((option) => takesRich(option, value)),
      value,
    );
  if (type === "lazy") return schemaOf(getter?.(), value);
  if (type === "pipe" && !isCodec(schema)) return schemaOf(out, value);
  return schema;
}
