import type { z } from "zod";
import { collectionOf, type ProjectorDefinition } from "../application/projector.ts";
import type { AggregateClass } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import type { CompiledField } from "../model/field.ts";
import type { CompiledShape } from "../model/shape.ts";
import { definitionOfSchema, isCodec, unwrap } from "../model/wire.ts";
import type { CollectionShape, FieldType } from "../ports/store.ts";

/** The collections of documents that a model needs: its state-stored aggregates and its projections. */
export function collectionsOf(
  aggregates: Iterable<AggregateClass>,
  projectors: Iterable<ProjectorDefinition>,
): CollectionShape[] {
  const collections: CollectionShape[] = [];
  for (const aggregate of aggregates) {
    const { name, shape, eventSourced } = aggregate[definition];
    if (!eventSourced) collections.push({ name, fields: fieldsOf(shape), indexes: [] });
  }
  for (const projector of projectors) {
    const { shape, indexes } = projector.projection[definition];
    collections.push({ name: collectionOf(projector), fields: fieldsOf(shape), indexes });
  }
  return collections;
}

function fieldsOf(shape: CompiledShape): CollectionShape["fields"] {
  return shape.fields.map((field) => ({ name: field.name, type: typeOf(field) }));
}

const byType: Readonly<Record<string, FieldType>> = {
  string: "text",
  enum: "text",
  template_literal: "text",
  date: "text",
  boolean: "boolean",
  bigint: "bigint",
};

/** How a stored field compares: by the type that its wire form has. */
function typeOf(field: CompiledField): FieldType {
  return field.relation === undefined ? typeOfSchema(field.schema) : "json";
}

function typeOfSchema(schema: z.core.$ZodType): FieldType {
  const inner = unwrap(schema);
  const { type, values, in: wire } = definitionOfSchema(inner);
  if (isCodec(inner) && wire !== undefined) return typeOfSchema(wire);
  if (type === "number" || type === "int") return "isInt" in inner && inner.isInt === true ? "integer" : "real";
  if (type === "literal" && values !== undefined) return literalType(values);
  return byType[type] ?? "json";
}

function literalType(values: readonly unknown[]): FieldType {
  const types = new Set(values.map((value) => typeof value));
  if (types.size !== 1) return "json";
  if (types.has("string")) return "text";
  if (types.has("number")) return "real";
  return types.has("boolean") ? "boolean" : "json";
}
