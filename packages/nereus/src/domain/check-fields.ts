import type { AggregateClass } from "../model/aggregate-root.ts";
import { definitionOf } from "../model/element.ts";
import type { EntityDefinition } from "../model/entity.ts";
import type { CompiledField } from "../model/field.ts";
import { didYouMean } from "../model/nearest.ts";
import type { Transitions } from "../model/status.ts";
import { definitionOfSchema, unwrap } from "../model/zod-schema.ts";
import { type AnyDefinition, whatIs } from "./element-reading.ts";
import type { Faults } from "./faults.ts";
import type { ModelMessages } from "./model-messages.ts";
import { isListed, type ModelParts } from "./model-parts.ts";
import { type Holder, type ModelShapes, referencesIn, referredBy } from "./model-shapes.ts";

/** Checks what a field alone cannot know when it is declared: what it refers to, what it holds, and where it stands. */
export function checkFields(parts: ModelParts, messages: ModelMessages, shapes: ModelShapes, faults: Faults): void {
  for (const holder of shapes.holders) {
    faults.addAll(holder.shape.faults);
    const isForeign = holder.kind === "event" && !messages.sources.has(holder.name);
    for (const field of holder.shape.fields) {
      // what comes from elsewhere may refer to aggregates of elsewhere
      if (!isForeign) checkReferences(parts.aggregates, holder, field, faults);
      checkRelation(holder, field, faults);
      checkStatus(holder, field, faults);
    }
  }
  checkEntities(shapes, faults);
  checkValueObjects(shapes, faults);
}

function checkReferences(
  aggregates: ReadonlyMap<string, AggregateClass>,
  { name }: Holder,
  field: CompiledField,
  faults: Faults,
): void {
  for (const target of referencesIn(field)) {
    if (typeof target === "string" && aggregates.has(target)) continue;
    const referred = referredBy(target);
    if (typeof referred === "string") {
      const message = `the reference ${field.name} names nothing: ${referred}`;
      faults.add("REFERENCE_UNKNOWN", name, message, fixOfReference(target, aggregates));
      continue;
    }
    const { kind, name: other } = referred;
    if (kind === "aggregate" && isListed(aggregates, referred as AnyDefinition)) continue;
    const what =
      kind !== "aggregate" ? `the ${kind} ${other}, which is no aggregate` : `${other}, which is not an element`;
    const fix =
      kind === "aggregate"
        ? `Add ${other} to the domain's elements.`
        : "Refer to an aggregate: only aggregates are loaded by identity.";
    faults.add("REFERENCE_UNKNOWN", name, `the reference ${field.name} names ${what}`, fix);
  }
}

function fixOfReference(target: unknown, known: ReadonlyMap<string, AggregateClass>): string {
  const meant = typeof target === "string" ? didYouMean(target, known.keys()) : "";
  return `${meant}Write reference(Customer), or reference("Customer") or reference(() => Customer) where two refer to each other.`;
}

function checkRelation({ kind, name }: Holder, field: CompiledField, faults: Faults): void {
  if (field.relation === undefined) return;
  if (kind !== "aggregate" && kind !== "entity") {
    const message = `its field ${field.name} holds entities, which only an aggregate or an entity can`;
    const fix = "Use a value object's class, or a list of them: z.array(Money.schema()).";
    faults.add("FIELD_MISPLACED", name, message, fix);
    return;
  }
  const { entity } = field.relation;
  if (definitionOf<EntityDefinition>(entity, "entity") !== undefined) return;
  const message = `its field ${field.name} holds ${whatIs(entity)}, which is no entity`;
  faults.add("RELATION_INVALID", name, message, 'Give hasMany and hasOne a class made by Entity("Line", { … }).');
}

/** In a message or a row, a status is no more than a list of values: nothing changes it along its transitions there. */
function checkStatus({ kind, name }: Holder, field: CompiledField, faults: Faults): void {
  const { transitions } = field;
  if (transitions === undefined) return;
  if (kind === "valueObject") {
    const message = `its field ${field.name} is a status, but a value object is replaced as a whole and follows no transitions`;
    faults.add("FIELD_MISPLACED", name, message, "Use z.enum([…]), or move the status to the aggregate or an entity.");
  }
  const unknown = unknownStates(transitions, field);
  if (unknown.length === 0) return;
  const message = `the status ${field.name} names states that it does not have: ${unknown.join(", ")}`;
  const states = Object.keys(transitions);
  const meant = unknown.map((state) => didYouMean(state, states)).join("");
  faults.add("STATUS_INVALID", name, message, `${meant}Name one of: ${states.join(", ")}.`);
}

function unknownStates(transitions: Transitions, { schema }: CompiledField): readonly string[] {
  const { defaultValue } = defaultedSchema(schema);
  const successors = Object.entries(transitions).flatMap(([state, after]): unknown[] =>
    Array.isArray(after) ? after : [`what follows ${state}, which is no list`],
  );
  const named = [...successors, defaultValue];
  return [...new Set(named.filter((state) => !Object.hasOwn(transitions, state as string)).map(String))];
}

function defaultedSchema(schema: CompiledField["schema"]): { readonly defaultValue?: unknown } {
  const { type, innerType } = definitionOfSchema(schema);
  if (type === "default") return schema._zod.def as { readonly defaultValue?: unknown };
  return innerType === undefined || unwrap(schema) === schema ? {} : defaultedSchema(innerType);
}

function checkEntities({ entities }: ModelShapes, faults: Faults): void {
  const named = new Map<string, EntityDefinition>();
  for (const [entity, owners] of entities) {
    const { name, shape } = entity;
    checkSingleIdentifier(name, shape.identifiers, faults);
    for (const owner of owners) {
      const other = named.get(`${owner} ${name}`);
      named.set(`${owner} ${name}`, entity);
      if (other === undefined) continue;
      faults.add("ELEMENT_DUPLICATE", name, `${owner} holds two entities of this name`, "Give each a name of its own.");
    }
  }
}

function checkValueObjects({ valueObjects }: ModelShapes, faults: Faults): void {
  const names = new Set<string>();
  for (const { name } of valueObjects) {
    if (names.has(name)) {
      const fix = "Give each value object a name of its own, and import each from one file.";
      faults.add("ELEMENT_DUPLICATE", name, "two value objects have this name", fix);
    }
    names.add(name);
  }
}

/** The identity of something is one field. */
export function checkSingleIdentifier(element: string, identifiers: readonly CompiledField[], faults: Faults): void {
  if (identifiers.length < 2) return;
  const names = identifiers.map((field) => field.name).join(", ");
  const fix = "Keep one identifier(); use reference(…) or z.string() for other identities.";
  faults.add("IDENTIFIER_AMBIGUOUS", element, `it has several identifiers: ${names}`, fix);
}
