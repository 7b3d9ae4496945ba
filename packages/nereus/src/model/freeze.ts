/** Whether a value is a list or a plain object: data without behaviour, which can be copied and frozen. */
export function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** What was frozen here all the way down; `Object.isFrozen` says nothing of what lies deeper. */
const frozen = new WeakSet<object>();

/** Whether a value cannot change in place: a primitive, or frozen by {@link freeze}. */
export function isFrozen(value: unknown): boolean {
  return typeof value !== "object" || value === null || frozen.has(value);
}

/** A value that cannot change in place and shares nothing that the caller could change. */
export function frozenCopy<T>(value: T): T {
  if (isFrozen(value)) return value;
  const copy = copyOf(value);
  freeze(copy);
  return copy;
}

/** Freezes lists, plain objects, dates, maps and sets all the way down; other instances look after themselves. */
export function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null || frozen.has(value)) return;
  if (value instanceof Date) Object.defineProperties(value, dateWrites);
  else if (value instanceof Map || value instanceof Set) {
    value.forEach((item, key) => {
      freeze(key);
      freeze(item);
    });
    Object.defineProperties(value, collectionWrites);
  } else if (isPlain(value)) for (const item of Object.values(value)) freeze(item);
  else return;
  frozen.add(Object.freeze(value));
}

/** Whether a value is what {@link copyOf} copies; any other is shared. */
export function isCopied(value: unknown): value is object {
  return isPlain(value) || value instanceof Date || value instanceof Map || value instanceof Set;
}

/** Whether something that could be changed in place may be inside a value. */
export function holdsObjects(value: object): boolean {
  if (value instanceof Map) return [...value].flat().some(isObject);
  if (Array.isArray(value)) return value.some(isObject);
  return (value instanceof Set ? [...value] : Object.values(value)).some(isObject);
}

/**
 * Whether a copy made by {@link copyOf} is still what it was copied from. Of an instance of a class, which may hide what
 * it holds, only the very same one is.
 */
export function isUnchanged(copied: unknown, original: unknown): boolean {
  if (Object.is(copied, original)) return true;
  if (!isCopied(copied) || !isCopied(original)) return false;
  if (copied instanceof Date) return original instanceof Date && copied.getTime() === original.getTime();
  if (copied instanceof Map) return original instanceof Map && areUnchanged([...copied].flat(), [...original].flat());
  if (copied instanceof Set) return original instanceof Set && areUnchanged([...copied], [...original]);
  if (Array.isArray(copied)) return Array.isArray(original) && areUnchanged(copied, original);
  if (Array.isArray(original) || !isPlain(original)) return false;
  return (
    areUnchanged(Object.keys(copied), Object.keys(original)) &&
    areUnchanged(Object.values(copied), Object.values(original))
  );
}

function areUnchanged(items: readonly unknown[], originals: readonly unknown[]): boolean {
  return items.length === originals.length && items.every((item, index) => isUnchanged(item, originals[index]));
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
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
    if (key !== "__proto__") target[key] = copy(item);
    // so that a key of this name stays a key
    else
      Object.defineProperty(target, key, { value: copy(item), writable: true, enumerable: true, configurable: true });
  }
  return target;
}

/** Object.freeze cannot reach the inside of a date, map or set, so their writing methods are hidden. */
function refusing(methods: readonly string[]): PropertyDescriptorMap {
  const refuse = (): never => {
    throw new TypeError("Cannot change a value that is frozen: copy it first");
  };
  return Object.fromEntries(methods.map((method) => [method, { value: refuse, enumerable: false }]));
}

const collectionWrites = refusing(["set", "add", "delete", "clear"]);
const dateWrites = refusing(
  ["Date", "FullYear", "Hours", "Milliseconds", "Minutes", "Month", "Seconds"]
    .flatMap((part) => [`set${part}`, `setUTC${part}`])
    .concat("setTime", "setYear"),
);
