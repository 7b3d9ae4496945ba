/** JSON text in the two parts in which PostgreSQL's `jsonb` can give it back character by character. */
export interface JsonParts {
  /** For the `jsonb` column: what other clients read. */
  readonly json: string;
  /** How to get the text back from it; absent where every object's keys are sorted. */
  readonly form?: JsonForm;
}

/**
 * What `jsonb` forgets. `keys`: the keys of each object whose keys are not sorted, in their order. `text`: the text itself, where that
 * cannot be told so (spaces, long numbers, NUL …).
 */
export type JsonForm = { readonly keys: readonly (readonly string[])[] } | { readonly text: string };

/** Nested deeper, a payload is kept as text. */
const deepest = 256;

/** What `jsonb` refuses: NUL, and halves of a surrogate pair. */
const refused = /\\u(?:0000|d[89a-f])/iu;

class Unordered extends Error {}

/** Takes JSON text apart. */
export function jsonParts(text: string): JsonParts {
  let value: unknown;
  try {
    value = JSON.parse(text);
    if (JSON.stringify(value) !== text || refused.test(text)) throw new Unordered();
    const keys = keyOrders(value);
    return keys.length === 0 ? { json: text } : { json: text, form: { keys } };
  } catch {
    // not what JSON.stringify writes, or not what jsonb takes: the text itself goes along
    return { json: JSON.stringify(storable(value, 0)), form: { text } };
  }
}

/** The text again, from what `jsonb` made of it. */
export function jsonText(json: string, form: JsonForm | undefined): string {
  if (form !== undefined && "text" in form) return form.text;
  const orders = new Map((form?.keys ?? []).map((keys) => [keySet([...keys].sort()), keys]));
  return written(JSON.parse(json), orders);
}

function keyOrders(value: unknown): readonly (readonly string[])[] {
  const orders = new Map<string, readonly string[]>();
  collectOrders(value, 0, orders);
  return [...orders.values()].filter((keys) => keys.some((key, at) => at > 0 && key < (keys[at - 1] as string)));
}

/** @throws where two objects have the same keys in different orders, or it is too deep */
function collectOrders(value: unknown, depth: number, orders: Map<string, readonly string[]>): void {
  if (typeof value !== "object" || value === null) return;
  if (depth > deepest) throw new Unordered();
  if (Array.isArray(value)) {
    for (const item of value) collectOrders(item, depth + 1, orders);
    return;
  }
  const keys = Object.keys(value);
  if (keys.length > 1) {
    const set = keySet([...keys].sort());
    const known = orders.get(set);
    if (known === undefined) orders.set(set, keys);
    else if (known.some((key, at) => key !== keys[at])) throw new Unordered();
  }
  for (const key of keys) collectOrders((value as Readonly<Record<string, unknown>>)[key], depth + 1, orders);
}

function keySet(sorted: readonly string[]): string {
  return JSON.stringify(sorted);
}

function written(value: unknown, orders: ReadonlyMap<string, readonly string[]>): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => written(item, orders)).join(",")}]`;
  const sorted = Object.keys(value).sort();
  const keys = (sorted.length > 1 && orders.get(keySet(sorted))) || sorted;
  const fields = value as Readonly<Record<string, unknown>>;
  return `{${keys.map((key) => `${JSON.stringify(key)}:${written(fields[key], orders)}`).join(",")}}`;
}

/** The nearest value that `jsonb` takes. */
function storable(value: unknown, depth: number): unknown {
  if (typeof value === "string") return storableText(value);
  if (typeof value !== "object" || value === null) return value ?? null;
  if (depth > deepest) return null;
  if (Array.isArray(value)) return value.map((item) => storable(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [storableText(key), storable(one, depth + 1)]));
}

function storableText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\ufffd");
}
