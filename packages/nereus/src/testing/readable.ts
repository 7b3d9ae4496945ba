import { definition } from "../model/element.ts";
import { isPlain } from "../model/freeze.ts";
import { CompiledShape } from "../model/shape.ts";

/**
 * A value for a diff: what has fields as a plain object, collections of entities as lists. Runners print other instances by
 * their own properties, of which entities and collections have none.
 */
export function readable(value: unknown): unknown {
  const list = listOf(value);
  if (list !== undefined) return list.map(readable);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [readable(key), readable(item)]));
  if (value instanceof Set) return new Set([...value].map(readable));
  const shape = shapeOf(value);
  if (shape !== undefined)
    return fieldsShown(shape.fields.map(({ name }) => [name, readable((value as Record<string, unknown>)[name])]));
  return isPlain(value) ? fieldsShown(Object.entries(value).map(([key, item]) => [key, readable(item)])) : value;
}

/** An object of these entries, whatever the keys are called. */
export function fieldsShown(entries: readonly (readonly [key: unknown, value: unknown])[]): object {
  return Object.fromEntries(entries as readonly (readonly [string, unknown])[]);
}

/** A list, or a collection of entities. */
export function listOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  const isCollection = hasJson(value) && Symbol.iterator in (value as object) && "size" in (value as object);
  return isCollection ? [...(value as Iterable<unknown>)] : undefined;
}

/** The shape that an instance of an event, value object, entity, aggregate or projection was made from. */
export function shapeOf(value: unknown): CompiledShape | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const own = (value.constructor as { [definition]?: { shape?: unknown } } | undefined)?.[definition];
  return own?.shape instanceof CompiledShape ? own.shape : undefined;
}

export function hasJson(value: unknown): boolean {
  return typeof value === "object" && value !== null && "toJSON" in value && typeof value.toJSON === "function";
}
