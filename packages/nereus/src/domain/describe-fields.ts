import { definitionOf } from "../model/element.ts";
import type { EntityDefinition } from "../model/entity.ts";
import type { CompiledField } from "../model/field.ts";
import type { CompiledShape } from "../model/shape.ts";
import { describeType } from "./describe-type.ts";
import type { FieldDescription, FieldDescriptions, TypeDescription } from "./model-description.ts";
import { recordOf } from "./sorted-record.ts";

/** @param changes whether instances change, so that the transitions of a status mean something */
export function describeFields({ fields }: CompiledShape, changes = false): FieldDescriptions {
  return recordOf(fields.map((field) => [field.name, describeField(field, changes)]));
}

function describeField(field: CompiledField, changes: boolean): FieldDescription {
  const { optional: _, ...type } =
    field.relation === undefined ? describeType(field.declared) : describeRelation(field.relation);
  return {
    ...type,
    ...(changes ? describeStatus(field, type) : {}),
    required: !field.leavable,
    ...(field.identifier === undefined ? {} : { identifier: true }),
  };
}

function describeRelation({ entity, many }: NonNullable<CompiledField["relation"]>): TypeDescription {
  const name = definitionOf<EntityDefinition>(entity, "entity")?.name;
  return { type: many ? "entities" : "entity", ...(name === undefined ? {} : { name }) };
}

function describeStatus({ transitions }: CompiledField, type: TypeDescription): Partial<TypeDescription> {
  if (transitions === undefined) return {};
  const after = Object.entries(transitions).map(([state, next]) => [state, [...next].map(String).sort()] as const);
  return { type: "status", initial: type.default ?? null, transitions: recordOf(after) };
}
