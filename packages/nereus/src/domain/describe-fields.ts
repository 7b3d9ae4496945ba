import { definitionOf } from "../model/element.ts";
import type { EntityDefinition } from "../model/entity.ts";
import type { CompiledField } from "../model/field.ts";
import type { CompiledShape } from "../model/shape.ts";
import type { Transitions } from "../model/status.ts";
import { describeType } from "./describe-type.ts";
import type { FieldDescription, FieldDescriptions, TypeDescription } from "./model-description.ts";
import { recordOf } from "./sorted-record.ts";

/** What fields mean where they stand. */
export interface FieldPlace {
  /** Instances change, so that the transitions of a status are followed. */
  readonly changes?: boolean;
  /** An identity that is left out is made. */
  readonly generates?: boolean;
}

export function describeFields({ fields }: CompiledShape, place: FieldPlace = {}): FieldDescriptions {
  return recordOf(fields.map((field) => [field.name, describeField(field, place)]));
}

function describeField(field: CompiledField, { changes, generates }: FieldPlace): FieldDescription {
  const isIdentifier = field.identifier !== undefined;
  const isMade = isIdentifier && generates === true;
  return {
    ...describeContent(field, changes === true),
    required: !field.leavable && !isMade,
    ...(isIdentifier ? { identifier: true } : {}),
    ...(isMade ? { generated: true } : {}),
  };
}

function describeContent({ declared, relation, transitions }: CompiledField, changes: boolean): TypeDescription {
  if (relation !== undefined) return describeRelation(relation);
  const { optional: _, ...type } = describeType(declared); // said by `required`
  return changes && transitions !== undefined ? describeStatus(transitions, type) : type;
}

function describeRelation({ entity, many }: NonNullable<CompiledField["relation"]>): TypeDescription {
  const name = definitionOf<EntityDefinition>(entity, "entity")?.name;
  return { type: many ? "entities" : "entity", ...(name === undefined ? {} : { name }) };
}

function describeStatus(
  transitions: Transitions,
  { values: _, default: initial, ...type }: TypeDescription,
): TypeDescription {
  const after = Object.entries(transitions).map(([state, next]) => [state, successors(next)] as const);
  return { ...type, type: "status", initial: initial ?? null, transitions: recordOf(after) };
}

function successors(next: unknown): string[] {
  return Array.isArray(next) ? next.map(String).sort() : [];
}
