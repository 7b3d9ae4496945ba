import type { z } from "zod";
import { definition, definitionOf } from "../model/element.ts";
import type { EntityDefinition } from "../model/entity.ts";
import { circular } from "../model/faulty.ts";
import type { CompiledField } from "../model/field.ts";
import { referenceOf } from "../model/reference.ts";
import type { CompiledShape } from "../model/shape.ts";
import type { ValueObjectDefinition } from "../model/value-object.ts";
import { isZod } from "../model/zod-schema.ts";
import { definitionIn } from "./element-reading.ts";
import type { ModelMessages } from "./model-messages.ts";
import type { ModelParts } from "./model-parts.ts";

/** Something with fields. */
export interface Holder {
  readonly kind: "aggregate" | "entity" | "valueObject" | "projection" | "event" | "command" | "query";
  readonly name: string;
  readonly shape: CompiledShape;
}

/** Everything in a model that has fields, each once, found by following the fields. */
export interface ModelShapes {
  readonly holders: ReadonlySet<Holder>;
  /** Each with the aggregates that hold it. */
  readonly entities: ReadonlyMap<EntityDefinition, ReadonlySet<string>>;
  readonly valueObjects: ReadonlySet<ValueObjectDefinition>;
}

export function collectShapes(parts: ModelParts, messages: ModelMessages): ModelShapes {
  const walk = new ShapeWalk();
  for (const [name, aggregate] of parts.aggregates) walk.visit(aggregate[definition], name);
  for (const entity of parts.entities) walk.visit(entity, undefined);
  for (const valueObject of parts.valueObjects) walk.visit(valueObject, undefined);
  for (const projection of parts.projections.values()) walk.visit(projection[definition], undefined);
  for (const classes of [messages.events, messages.commands, messages.queries]) {
    for (const message of classes.values()) walk.visit(message[definition], undefined);
  }
  return walk;
}

/** Finds everything with fields, from what it is shown on. */
export class ShapeWalk implements ModelShapes {
  readonly holders: Set<Holder> = new Set();
  readonly entities: Map<EntityDefinition, Set<string>> = new Map();
  readonly valueObjects: Set<ValueObjectDefinition> = new Set();

  /** @param owner the aggregate that it is part of */
  visit(holder: Holder, owner: string | undefined): void {
    if (holder.kind === "entity" && this.#knows(holder as EntityDefinition, owner)) return;
    if (holder.kind !== "entity" && this.holders.has(holder)) return;
    this.holders.add(holder);
    if (holder.kind === "valueObject") this.valueObjects.add(holder as ValueObjectDefinition);
    for (const field of holder.shape.fields) this.#follow(field, owner);
  }

  /** Whether an entity was met as part of this aggregate before. */
  #knows(entity: EntityDefinition, owner: string | undefined): boolean {
    const owners = this.entities.get(entity);
    if (owners !== undefined && (owner === undefined || owners.has(owner))) return true;
    this.entities.set(entity, new Set([...(owners ?? []), ...(owner === undefined ? [] : [owner])]));
    return false;
  }

  #follow(field: CompiledField, owner: string | undefined): void {
    if (field.relation !== undefined) {
      const entity = definitionOf<EntityDefinition>(field.relation.entity, "entity");
      if (entity !== undefined) this.visit(entity, owner);
      return;
    }
    for (const schema of schemasIn(field.declared)) {
      const valueObject = definitionOf<ValueObjectDefinition>(schema, "valueObject");
      if (valueObject !== undefined) this.visit(valueObject, undefined);
    }
  }
}

/** What a field refers to, wherever in it the references stand: aggregates, or functions that return them. */
export function referencesIn(field: CompiledField): ReadonlySet<unknown> {
  const targets = schemasIn(field.declared).map(referenceOf);
  return new Set(targets.filter((target) => target !== undefined));
}

/** What a reference names; a text says why it names nothing. */
export function referredBy(target: unknown): { readonly kind: string; readonly name: string } | string {
  const own = definitionIn(target);
  if (own !== undefined) return own;
  if (typeof target === "string") return `no aggregate of the domain has the name ${target}`;
  if (target === null) return `it is given undefined (${circular})`;
  if (typeof target !== "function") return "it names no class";
  try {
    return definitionIn(target()) ?? "its function returns no aggregate";
  } catch (error) {
    return `its function fails: ${String(error)}`;
  }
}

/** The parts of a Zod 4 schema definition that lead to other schemas. */
interface SchemaParts {
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly items?: readonly unknown[];
  readonly options?: readonly unknown[];
  readonly parts?: readonly unknown[];
  readonly getter?: () => unknown;
  readonly [part: string]: unknown;
}

const single = ["innerType", "element", "keyType", "valueType", "rest", "catchall", "left", "right", "in", "out"];

/** A field's schema and every schema within it, each once. What is inside a value object is its own affair. */
export function schemasIn(field: unknown): readonly unknown[] {
  const found = new Set<unknown>();
  const pending = [{ schema: field, depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { schema, depth } = next;
    if (found.has(schema) || depth > deepest) continue;
    found.add(schema);
    if (!isZod(schema) || definition in schema) continue;
    pending.push(...partsOf(schema).map((part) => ({ schema: part, depth: depth + 1 })));
  }
  return [...found];
}

/** A getter may make a new schema whenever it is called: a walk without a limit would not end. */
const deepest = 16;

function partsOf(schema: z.core.$ZodType): unknown[] {
  try {
    const own = schema._zod.def as unknown as SchemaParts; // not spread: that would make defaults
    const { shape = {}, items = [], options = [], getter } = own;
    const lazy = getter === undefined ? [] : [getter()];
    return [...single.map((part) => own[part]), ...Object.values(shape), ...items, ...options, ...lazy].filter(isZod);
  } catch {
    return []; // a getter that fails will fail, and be reported, where the schema is used
  }
}
