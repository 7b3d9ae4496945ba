/** Whether a value is a list or a plain object: data without behaviour, which can be copied and frozen. */
export function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Freezes lists and plain objects all the way down; class instances look after themselves. */
export function deepFreeze(value: unknown): void {
  if (!isPlain(value) || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const item of Object.values(value)) deepFreeze(item);
}

/** A mutable copy of lists, plain objects, dates, maps and sets; any other instance is shared. */
export function copyOf<T>(value: T): T {
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copy);
  if (value instanceof Date) return new Date(value);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [copy(key), copy(item)]));
  if (value instanceof Set) return new Set([...value].map(copy));
  if (!isPlain(value)) return value;
  const target: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    // defineProperty, so that a key named __proto__ stays a key
    Object.defineProperty(target, key, { value: copy(item), writable: true, enumerable: true, configurable: true });
  }
  return target;
}

/** Whether a value can be changed in place although no field is assigned (and plain freezing does not help). */
export function isMutableInstance(value: unknown): value is Date | Map<unknown, unknown> | Set<unknown> {
  return value instanceof Date || value instanceof Map || value instanceof Set;
}
