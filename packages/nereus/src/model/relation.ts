import type { ChangeScope } from "./change-scope.ts";
import type { Issue } from "./errors.ts";
import type { Values } from "./values.ts";
import type { WireCodec } from "./wire.ts";

/** How a shape treats a field that holds entities (`hasMany`, `hasOne`), without knowing what an entity is. */
export interface Relation {
  /** The class of what it holds. */
  readonly entity: unknown;
  /** Whether it holds any number, or at most one. */
  readonly many: boolean;
  /** The field's value bound to the aggregate it belongs to; `owner` are the fields it is among. */
  attach(value: unknown, scope: ChangeScope, owner: Values): unknown;
  /** Puts another value in the field's place, if it may be assigned, and returns the way back. */
  replace(values: Values, name: string, value: unknown, scope: ChangeScope): () => void;
  /** Binds what is attached already to another scope. */
  move(value: unknown, scope: ChangeScope): void;
  /** The entities of a constructor's input, made where it is data; adds its faults, path included. */
  parse(name: string, input: unknown, issues: Issue[]): unknown;
  /** Sets free what is attached: the instance that was to hold it did not come about. */
  free(value: unknown): void;
  readonly wire: WireCodec;
  entities(value: unknown): Iterable<object>;
  /** Whether the class of the entities, or one below it, has rules: spares the walk over many where there is none. */
  readonly hasRules: boolean;
}

export const relation: unique symbol = Symbol.for("nereus.relation") as never;

/** The relation behind a field made by `hasMany` or `hasOne`; undefined for any other. */
export function relationOf(field: unknown): Relation | undefined {
  if (typeof field !== "object" || field === null || !(relation in field)) return undefined;
  return field[relation] as Relation;
}
