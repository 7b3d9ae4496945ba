import type { z } from "zod";
import { decimalOf } from "../model/decimal.ts";
import type { CompiledField } from "../model/field.ts";
import { definitionOfSchema, isCodec, isZod, unwrap } from "../model/zod-schema.ts";
import type { FieldType } from "../ports/store.ts";

/** How a stored field compares. */
export interface StoredKind {
  /** By the type that its wire form has. */
  readonly type: FieldType;
  /** Whether its values have an order that is the same on every store, and means something. */
  readonly ordered: boolean;
  /** Whether a codec of the user's own makes its values, so that only equality of what is stored means something. */
  readonly coded?: boolean;
}

const json: StoredKind = { type: "json", ordered: false };

const byType: Readonly<Record<string, StoredKind>> = {
  string: { type: "text", ordered: true },
  template_literal: { type: "text", ordered: true },
  date: { type: "date", ordered: true },
  boolean: { type: "boolean", ordered: true },
  bigint: { type: "bigint", ordered: true },
};

export function storedTypeOf(field: CompiledField): FieldType {
  return storedKindOf(field).type;
}

export function storedKindOf({ declared }: Pick<CompiledField, "declared">): StoredKind {
  return isZod(declared) ? kindOfSchema(declared) : json;
}

const lists = new Set(["array", "tuple", "record", "map", "set"]);

/** Whether a field holds any number of values, which are compared with nothing as a whole. */
export function isList({ declared }: CompiledField): boolean {
  return isZod(declared) && lists.has(definitionOfSchema(unwrap(declared)).type);
}

/** The schema of what an array or a set holds; undefined for any other field. */
export function itemOf({ declared }: CompiledField): z.core.$ZodType | undefined {
  if (!isZod(declared)) return undefined;
  const { type, element, valueType } = definitionOfSchema(unwrap(declared));
  if (type === "array") return element;
  return type === "set" ? valueType : undefined;
}

function kindOfSchema(schema: z.core.$ZodType): StoredKind {
  if (decimalOf(schema) !== undefined) return { type: "decimal", ordered: true };
  const inner = unwrap(schema);
  if (!isCodec(inner)) return kindOfPlain(inner);
  const { in: wire } = definitionOfSchema(inner);
  return { type: wire === undefined ? "json" : kindOfSchema(wire).type, ordered: false, coded: true };
}

function kindOfPlain(schema: z.core.$ZodType): StoredKind {
  const { type, values = [], entries = {}, options = [], out } = definitionOfSchema(schema);
  switch (type) {
    case "pipe":
      return out === undefined ? json : kindOfSchema(out);
    case "number":
    case "int":
      return { type: "isInt" in schema && schema.isInt === true ? "integer" : "real", ordered: true };
    case "literal":
      return kindOfValues(values);
    case "enum":
      return kindOfValues(Object.values(entries));
    case "union":
      return commonKind(options.map(kindOfSchema));
    default:
      return byType[type] ?? json;
  }
}

function kindOfValues(values: readonly unknown[]): StoredKind {
  const types = new Set(values.map((value) => typeof value));
  if (types.size !== 1) return json;
  if (types.has("string")) return { type: "text", ordered: true };
  if (types.has("number")) return { type: "real", ordered: true };
  return types.has("boolean") ? { type: "boolean", ordered: true } : json;
}

/** A union of one kind of text, number or boolean is of that kind; others are stored with their option, or mixed. */
function commonKind(kinds: readonly StoredKind[]): StoredKind {
  const types = new Set(kinds.map(({ type, ordered }) => (ordered ? (type === "integer" ? "real" : type) : "json")));
  const [only] = types;
  if (types.size !== 1 || (only !== "text" && only !== "real" && only !== "boolean")) return json;
  return { type: only, ordered: true };
}
