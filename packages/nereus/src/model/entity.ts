import { inspect } from "node:util";
import { ChangeScope, guard } from "./change-scope.ts";
import { define, definition, type Element, redefine } from "./element.ts";
import { type Issue, NereusError } from "./errors.ts";
import { fault } from "./faulty.ts";
import type { EntityInput, Fields, Shape, Shaped, ShapeWithout, Simplify } from "./field.ts";
import { canTransition, defineAccessors, refuseRedeclared, Scoped, valuesOf } from "./fields-of.ts";
import { frozenCopy } from "./freeze.ts";
import { brokenInvariants, checkInvariants, checkPreconditions, type Invariant, invariantError } from "./invariant.ts";
import { type JsonStatics, jsonSchemaOfClass, madeFromJson, standardOf } from "./json-form.ts";
import type { Named } from "./message.ts";
import { type Refusing, refusal } from "./refuse.ts";
import { CompiledShape } from "./shape.ts";
import type { StandardSchema } from "./standard-schema.ts";
import type { Values } from "./values.ts";

/** The definition behind an entity's class. */
export interface EntityDefinition {
  readonly kind: "entity";
  readonly name: string;
  readonly shape: CompiledShape;
  /** The field that tells the entities of one collection apart. */
  readonly identifiedBy: string;
  readonly invariants: readonly Invariant[];
  readonly preconditions: readonly Invariant[];
}

/** What every entity has besides its fields. */
export interface EntityInstance extends Refusing {
  /** Whether both are the same entity: same class and same identity. */
  equals(other: unknown): boolean;
  /** Whether a status field may go to a state now. @throws NereusError UNKNOWN_FIELD for a field that is no status */
  canTransitionTo<K extends keyof this>(field: K, state: this[K]): boolean;
  toJSON(): Record<string, unknown>;
}

/** Any class made by `Entity`. */
export interface EntityClass<E = unknown, I = never> extends Element<"entity"> {
  readonly [definition]: EntityDefinition;
  new (input: I): E;
}

type EntityOf<N extends string, S extends Shape> = Simplify<Fields<S>> & EntityInstance & Named<N> & Shaped<S>;

/** The class that `Entity` returns, to extend. */
export interface EntityBase<N extends string, S extends Shape>
  extends Element<"entity">,
    JsonStatics<S, EntityOf<N, S>> {
  readonly [definition]: EntityDefinition;
  new (input: EntityInput<S>): EntityOf<N, S>;
  /** A rule that every instance keeps, checked with its aggregate's: its code, the message, and the test. */
  invariant(code: string, message: string, holds: (entity: Simplify<Readonly<Fields<S>>>) => boolean): EntityBase<N, S>;
  /** A rule that has to hold before an instance is changed: its code, the message, and the test. */
  precondition(
    code: string,
    message: string,
    holds: (entity: Simplify<Readonly<Fields<S>>>) => boolean,
  ): EntityBase<N, S>;
}

/**
 * A class of entities: parts of an aggregate with an identity of their own. They belong to an aggregate through
 * `hasMany` or `hasOne`, and from then on change only where the aggregate may.
 *
 * @param options `identifiedBy`: the field that identifies the entity, if none is an `identifier()`
 * @throws ValidationError VALIDATION_FAILED from the constructor
 * @example class Line extends Entity("Line", { sku: z.string(), quantity: z.number().int() }, { identifiedBy: "sku" }) {}
 */
export function Entity<
  const N extends string,
  S extends ShapeWithout<"equals" | "canTransitionTo" | "refuse" | "toJSON">,
>(name: N, shape: S, options: { readonly identifiedBy?: keyof S & string } = {}): EntityBase<N, S> {
  const rules = { reserved: ["equals", "canTransitionTo", "refuse", "toJSON"], generatesIdentity: true };
  const compiled = new CompiledShape(name, shape, { ...rules, ...options });
  const identifiedBy = options.identifiedBy ?? compiled.identifiers[0]?.name ?? "";
  if (!compiled.byName.has(identifiedBy)) {
    const fix = "Give one field the type identifier(), or name one of its fields in identifiedBy.";
    const what = identifiedBy === "" ? "it has no identifier field" : `it has no field ${identifiedBy}`;
    compiled.faults.push(fault("IDENTIFIER_MISSING", name, what, fix));
  }
  const own: EntityDefinition = {
    kind: "entity",
    name,
    shape: compiled,
    identifiedBy,
    invariants: [],
    preconditions: [],
  };
  const fields = class extends EntityRoot {};
  defineAccessors(fields.prototype, compiled);
  return define(fields, own) as unknown as EntityBase<N, S>; // fields are known at run time only
}

/** Marks values that come from the store. */
export const stored: unique symbol = Symbol("stored");

class EntityRoot extends Scoped {
  static fromJSON(json: unknown): object {
    return madeFromJson(this, json);
  }

  static toJSONSchema(): Readonly<Record<string, unknown>> {
    return jsonSchemaOfClass(this);
  }

  static get "~standard"(): StandardSchema["~standard"] {
    return standardOf(this);
  }

  static invariant(code: string, message: string, holds: Invariant["holds"]): unknown {
    const own = entityDefinition(this);
    return redefine(this, { ...own, invariants: [...own.invariants, { code, message, holds }] });
  }

  static precondition(code: string, message: string, holds: Invariant["holds"]): unknown {
    const own = entityDefinition(this);
    return redefine(this, { ...own, preconditions: [...own.preconditions, { code, message, holds }] });
  }

  constructor(input: unknown, origin?: typeof stored) {
    const own = entityDefinition(new.target);
    const { shape, name, invariants, preconditions } = own;
    const values = origin === stored ? (input as Values) : shape.parse(shape.select(input));
    for (const field of shape.deep) values[field.name] = frozenCopy(values[field.name]);
    const scope = detachedScope(() => this, own);
    super(values, scope);
    shape.attach(values, scope);
    const whose = { name, identity: () => identityOf(this) };
    if (preconditions.length > 0) guard(values, () => checkPreconditions(whose, preconditions, this));
    if (origin === stored) return;
    try {
      checkInvariants(whose, invariants, this);
    } catch (error) {
      shape.free(values);
      throw error;
    }
  }

  equals(other: unknown): boolean {
    return (
      other instanceof EntityRoot && other.constructor === this.constructor && identityOf(other) === identityOf(this)
    );
  }

  refuse(code: string, message: string, path?: string): never {
    throw refusal(entityDefinition(this.constructor).name, identityOf(this), { code, message, path });
  }

  canTransitionTo(field: string, state: unknown): boolean {
    return canTransition(this, entityDefinition(this.constructor).shape, field, state);
  }

  toJSON(): Values {
    return entityDefinition(this.constructor).shape.encode(valuesOf(this));
  }

  [inspect.custom](_depth: number, options: object): string {
    return `${entityDefinition(this.constructor).name} ${inspect(valuesOf(this), options)}`;
  }
}

/** A new entity that no aggregate holds yet may be changed freely; each change is checked. */
function detachedScope(entity: () => object, own: EntityDefinition, keepsJournal = false): ChangeScope {
  const change = (write: () => void): void => {
    const level = scope.begin();
    scope.mode = "recording";
    try {
      write();
      scope.seal(level, true);
      scope.judge(() => checkEntity(entity(), own));
    } catch (error) {
      scope.rollback(level);
      throw error;
    } finally {
      scope.mode = "closed";
      scope.end(level);
    }
    if (!keepsJournal) scope.clear();
  };
  const scope = new ChangeScope({ name: own.name }, change, entity);
  return scope;
}

/** Checks the rules of an entity and of all that it holds. @throws ValidationError INVARIANT_FAILED */
function checkEntity(entity: object, { name, invariants, shape }: EntityDefinition): void {
  const issues = [...brokenInvariants(invariants, entity, []), ...brokenEntityRules(entity, shape, [])];
  if (issues.length > 0) throw invariantError({ name, identity: () => identityOf(entity) }, issues);
}

export function entityDefinition(entityClass: unknown): EntityDefinition {
  return (entityClass as EntityClass)[definition];
}

/** The identity of an entity, as its collection knows it. */
export function identityOf(entity: object): string {
  return String(valuesOf(entity)[entityDefinition(entity.constructor).identifiedBy]);
}

/**
 * Binds an entity that nothing holds, and those it holds, to the scope of an aggregate; returns the way back.
 *
 * @throws NereusError ENTITY_SHARED if something holds it already
 */
export function attachEntity(entity: object, scope: ChangeScope): () => void {
  const { shape } = entityDefinition(entity.constructor);
  refuseRedeclared(entity, shape);
  const former = Scoped.scopeOf(entity);
  if (!former.leavesFree(entity)) throw heldElsewhere(shape.element, identityOf(entity));
  moveEntity(entity, scope);
  welcome(entity, scope);
  return () => moveEntity(entity, former);
}

/** What is new to an aggregate may still be given the status that it begins with. */
function welcome(entity: object, scope: ChangeScope): void {
  const values = valuesOf(entity);
  scope.welcome(values);
  for (const { name, relation } of entityDefinition(entity.constructor).shape.relations) {
    for (const child of relation?.entities(values[name]) ?? []) welcome(child, scope);
  }
}

/** Sets an entity free; returns the way back. */
export function releaseEntity(entity: object): () => void {
  const former = Scoped.scopeOf(entity);
  const free = detachedScope(() => entity, entityDefinition(entity.constructor), true);
  moveEntity(entity, free);
  return () => {
    free.rollback(); // what was done to it while it was free
    moveEntity(entity, former);
  };
}

/** Moves an entity and all that it holds. */
export function moveEntity(entity: object, scope: ChangeScope): void {
  Scoped.moveTo(entity, scope);
  const values = valuesOf(entity);
  for (const { name, relation } of entityDefinition(entity.constructor).shape.relations) {
    relation?.move(values[name], scope);
  }
}

/** An instance of the class: the value itself, or a new one from input. */
export function toEntity<E extends object>(entityClass: EntityClass<E>, value: unknown): E {
  if (value instanceof entityClass) return value;
  const make = entityClass as unknown as new (input: unknown) => E;
  return new make(value);
}

/** The rules that the entities held by an instance break, all the way down. */
export function brokenEntityRules(owner: object, shape: CompiledShape, path: readonly (string | number)[]): Issue[] {
  const issues: Issue[] = [];
  for (const { name, relation } of shape.relations) {
    for (const child of relation?.hasRules === true ? relation.entities(valuesOf(owner)[name]) : []) {
      const own = entityDefinition(child.constructor);
      const childPath = [...path, name, identityOf(child)];
      issues.push(...brokenInvariants(own.invariants, child, childPath));
      issues.push(...brokenEntityRules(child, own.shape, childPath));
    }
  }
  return issues;
}

function heldElsewhere(name: string, id: string): NereusError {
  return new NereusError("ENTITY_SHARED", `The ${name} ${id} is already held, here or by another aggregate`, {
    element: name,
    fix: `Add a new one with the same values: new ${name}(entity.toJSON()).`,
  });
}

export function unknownEntity(name: string, id: string): NereusError {
  return new NereusError("ENTITY_NOT_FOUND", `There is no ${name} with the identity ${id}`, {
    element: name,
    fix: "Ask find(id) or has(id) first if it may be absent.",
  });
}
