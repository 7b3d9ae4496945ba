import { inspect } from "node:util";
import type { ChangeScope } from "./change-scope.ts";
import type { EntityView } from "./deep-readonly.ts";
import {
  attachEntity,
  type EntityClass,
  entityDefinition,
  identityOf,
  moveEntity,
  releaseEntity,
  stored,
  toEntity,
  unknownEntity,
} from "./entity.ts";
import { type Issue, NereusError, ValidationError } from "./errors.ts";
import type { RelationField } from "./field.ts";
import { type Relation, relation } from "./relation.ts";
import type { Values } from "./values.ts";

/**
 * The entities of a `hasMany` field, in the order in which they were added, each identity once.
 * Changing it follows the rules of its aggregate: inside `.applies` for event-sourced ones.
 *
 * @example
 * order.lines.add(new Line({ sku: "A", quantity: 2 }));
 * order.lines.get("A").quantity += 1;
 * for (const line of order.lines) total += line.quantity;
 */
export interface EntityCollection<E, I = never> extends EntityCollectionView<E> {
  /** @throws NereusError ENTITY_DUPLICATE if the identity is there already */
  add(entity: E | I): void;
  /** @throws NereusError ENTITY_NOT_FOUND */
  remove(entity: E | string): void;
}

/** A collection as it is seen where it may not be changed. */
export interface EntityCollectionView<E> extends Iterable<E> {
  readonly size: number;
  /** @throws NereusError ENTITY_NOT_FOUND */
  get(id: string): E;
  find(id: string): E | undefined;
  has(id: string): boolean;
  filter(test: (entity: E) => boolean): E[];
  toJSON(): Record<string, unknown>[];
}

/**
 * A field that holds any number of entities.
 *
 * @example signatories: hasMany(Signatory)
 */
export function hasMany<E extends object, I>(
  entity: EntityClass<E, I>,
): RelationField<readonly (E | I)[] | undefined, EntityCollection<E, I>, EntityCollectionView<EntityView<E>>> {
  return { [relation]: new ManyRelation(entity as unknown as EntityClass<object>) } as never;
}

/**
 * A field that holds one entity, or none (`undefined`).
 *
 * @example address: hasOne(Address)
 */
export function hasOne<E extends object, I>(
  entity: EntityClass<E, I>,
): RelationField<E | I | undefined, E | undefined, EntityView<E> | undefined> {
  return { [relation]: new OneRelation(entity as unknown as EntityClass<object>) } as never;
}

class Collection implements EntityCollection<object> {
  readonly #entity: EntityClass<object>;
  /** The fields that it is among. */
  readonly #owner: Values;
  #scope: ChangeScope;
  #items = new Map<string, object>();
  /** When each identity was added: what its order goes by. */
  readonly #places = new Map<string, number>();
  #placed = 0;
  #isSorted = true;

  constructor(entity: EntityClass<object>, scope: ChangeScope, items: Iterable<object>, owner: Values) {
    this.#entity = entity;
    this.#owner = owner;
    this.#scope = scope;
    const taken: (() => void)[] = [];
    try {
      for (const item of items) {
        taken.push(attachEntity(item, scope));
        this.#put(identityOf(item), item);
      }
    } catch (error) {
      for (const release of taken) release();
      throw error;
    }
  }

  get size(): number {
    return this.#items.size;
  }

  add(input: object): void {
    const item = toEntity(this.#entity, input);
    const id = identityOf(item);
    this.#scope.perform(
      () => {
        if (this.#items.has(id)) throw this.#duplicate(id);
        const release = attachEntity(item, this.#scope);
        this.#put(id, item);
        return () => {
          this.#items.delete(id);
          release();
        };
      },
      `add to ${this.#name}`,
      this.#owner,
    );
  }

  remove(which: object | string): void {
    const id = typeof which === "string" ? which : identityOf(which);
    this.#scope.perform(
      () => {
        const item = this.#items.get(id);
        if (item === undefined) throw unknownEntity(this.#name, id);
        const place = this.#places.get(id) ?? 0;
        this.#items.delete(id);
        this.#places.delete(id);
        const rebind = releaseEntity(item);
        return () => {
          this.#items.set(id, item);
          this.#places.set(id, place);
          this.#isSorted = false;
          rebind();
        };
      },
      `remove from ${this.#name}`,
      this.#owner,
    );
  }

  #put(id: string, item: object): void {
    this.#items.set(id, item);
    this.#places.set(id, this.#placed++);
  }

  /** Binds the collection, which stays the same object, and its entities to another scope. */
  moveTo(scope: ChangeScope): void {
    this.#scope = scope;
    for (const item of this.#items.values()) moveEntity(item, scope);
  }

  /** The entities in the order in which they were added; only a removal that was taken back disturbs it. */
  #inOrder(): Iterable<object> {
    if (!this.#isSorted) {
      const place = (id: string): number => this.#places.get(id) ?? 0;
      this.#items = new Map([...this.#items].sort(([one], [other]) => place(one) - place(other)));
      this.#isSorted = true;
    }
    return this.#items.values();
  }

  get(id: string): object {
    const found = this.#items.get(id);
    if (found === undefined) throw unknownEntity(this.#name, id);
    return found;
  }

  find(id: string): object | undefined {
    return this.#items.get(id);
  }

  has(id: string): boolean {
    return this.#items.has(id);
  }

  filter(test: (entity: object) => boolean): object[] {
    return [...this.#inOrder()].filter(test);
  }

  [Symbol.iterator](): Iterator<object> {
    return this.#inOrder()[Symbol.iterator]();
  }

  toJSON(): Values[] {
    return [...this.#inOrder()].map((item) => (item as { toJSON(): Values }).toJSON());
  }

  [inspect.custom](_depth: number, options: object): string {
    return inspect([...this.#inOrder()], options);
  }

  get #name(): string {
    return entityDefinition(this.#entity).name;
  }

  #duplicate(id: string): NereusError {
    return new NereusError("ENTITY_DUPLICATE", `There is already a ${this.#name} with the identity ${id}`, {
      element: this.#name,
      fix: "Change the one that is there (get), or remove it first.",
    });
  }
}

const collectionAssigned = {
  code: "invalid_type",
  message: "is a collection and cannot be assigned: change it with add and remove",
};

class ManyRelation implements Relation {
  readonly many = true;
  readonly #entity: EntityClass<object>;
  readonly wire: Relation["wire"];

  constructor(entity: EntityClass<object>) {
    this.#entity = entity;
    this.wire = {
      encode: (value) => [...(value as Iterable<{ toJSON(): Values }>)].map((item) => item.toJSON()),
      decode: (wire) => (wire as Values[]).map((item) => restoreEntity(entity, item)),
    };
  }

  /** A collection stays the same object for as long as its owner: whoever holds it, holds the right one. */
  replace(values: Values, name: string, value: unknown): () => void {
    if (value === values[name]) return () => undefined;
    const { name: entity } = entityDefinition(this.#entity);
    throw new ValidationError("VALIDATION_FAILED", entity, [{ path: [name], ...collectionAssigned }]);
  }

  move(value: unknown, scope: ChangeScope): void {
    (value as Collection | undefined)?.moveTo(scope);
  }

  attach(value: unknown, scope: ChangeScope, owner: Values): Collection {
    const items = [...((value as Iterable<object> | undefined) ?? [])].map((item) => toEntity(this.#entity, item));
    return new Collection(this.#entity, scope, items, owner);
  }

  parse(name: string, input: unknown, issues: Issue[]): unknown {
    if (input === undefined) return undefined;
    if (typeof input !== "object" || input === null || !(Symbol.iterator in input)) {
      issues.push(notAList(name));
      return undefined;
    }
    const before = issues.length;
    const items = [...(input as Iterable<unknown>)].map((item, at) =>
      parseEntity(this.#entity, item, [name, at], issues),
    );
    if (issues.length === before) issues.push(...repeated(items as object[], name));
    return items;
  }

  free(value: unknown): void {
    for (const item of value as Collection) releaseEntity(item);
  }

  entities(value: unknown): Iterable<object> {
    return value as Collection;
  }

  get hasRules(): boolean {
    return hasRules(this.#entity);
  }

  get entity(): unknown {
    return this.#entity;
  }
}

class OneRelation implements Relation {
  readonly many = false;
  readonly #entity: EntityClass<object>;
  readonly wire: Relation["wire"];

  constructor(entity: EntityClass<object>) {
    this.#entity = entity;
    this.wire = {
      encode: (value) => (value === undefined || value === null ? value : (value as { toJSON(): Values }).toJSON()),
      decode: (wire) => (wire === undefined || wire === null ? undefined : restoreEntity(entity, wire as Values)),
    };
  }

  replace(values: Values, name: string, input: unknown, scope: ChangeScope): () => void {
    const former = values[name] as object | undefined;
    const entity = input === undefined || input === null ? undefined : toEntity(this.#entity, input);
    if (entity === former) return () => undefined;
    const release = entity === undefined ? undefined : attachEntity(entity, scope);
    const rebind = former === undefined ? undefined : releaseEntity(former);
    values[name] = entity;
    return () => {
      release?.();
      values[name] = former;
      rebind?.();
    };
  }

  move(value: unknown, scope: ChangeScope): void {
    if (typeof value === "object" && value !== null) moveEntity(value, scope);
  }

  attach(value: unknown, scope: ChangeScope): object | undefined {
    if (value === undefined || value === null) return undefined;
    const entity = toEntity(this.#entity, value);
    attachEntity(entity, scope);
    return entity;
  }

  parse(name: string, input: unknown, issues: Issue[]): unknown {
    return input === undefined || input === null ? undefined : parseEntity(this.#entity, input, [name], issues);
  }

  free(value: unknown): void {
    for (const item of this.entities(value)) releaseEntity(item);
  }

  get hasRules(): boolean {
    return hasRules(this.#entity);
  }

  get entity(): unknown {
    return this.#entity;
  }

  entities(value: unknown): Iterable<object> {
    return value === undefined || value === null ? [] : [value as object];
  }
}

function hasRules(entity: EntityClass<object>): boolean {
  const { invariants, shape } = entityDefinition(entity);
  return invariants.length > 0 || shape.fields.some((field) => field.relation !== undefined);
}

function restoreEntity(entity: EntityClass<object>, wire: Values): object {
  const make = entity as unknown as new (values: Values, origin: typeof stored) => object;
  return new make(entityDefinition(entity).shape.decode(wire), stored);
}

function parseEntity(
  entity: EntityClass<object>,
  value: unknown,
  path: readonly (string | number)[],
  issues: Issue[],
): object | undefined {
  try {
    return toEntity(entity, value);
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    issues.push(...error.issues.map((issue) => ({ ...issue, path: [...path, ...issue.path] })));
    return undefined;
  }
}

function repeated(items: readonly object[], name: string): Issue[] {
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    const id = identityOf(item);
    if (!seen.has(id)) {
      seen.add(id);
      return [];
    }
    return [{ path: [name, index], code: "ENTITY_DUPLICATE", message: `repeats the identity ${id}` }];
  });
}

function notAList(name: string): Issue {
  return { path: [name], code: "invalid_type", message: "expected a list of entities" };
}
