import { copyOf, holdsObjects, isCopied, isFrozen, isPlain } from "./freeze.ts";
import type { Values } from "./values.ts";

/** What a handler had in hand of one field, and how it was when it got it. */
interface Handed {
  isAssigned: boolean;
  readonly size: number;
  readonly last: unknown;
}

/**
 * In replay nothing is journalled, frozen or copied at each event, as it is when an event is raised. So that the state
 * comes out the same, what a handler put into it is copied when the handler has ended, and shares nothing with another
 * field or with what the handler keeps.
 *
 * Not seen, because looking for it would cost as much as the whole state with every event: one object that a handler puts
 * into two places deep inside a field that it does not add to, or puts there and keeps.
 */
export class HandedOut {
  readonly #fields = new Map<Values, Map<string, Handed>>();
  #count = 0;

  /** A field was read or assigned by the handler of an event. */
  note(values: Values, name: string, isAssigned: boolean): void {
    const value = values[name];
    if (!isCopied(value)) return;
    const fields = this.#fields.get(values) ?? new Map<string, Handed>();
    const known = fields.get(name);
    if (known !== undefined) {
      known.isAssigned ||= isAssigned;
      return;
    }
    const last = Array.isArray(value) ? value.at(-1) : undefined;
    this.#fields.set(values, fields.set(name, { isAssigned, size: sizeOf(value), last }));
    this.#count += 1;
  }

  /** Ends one event. */
  separate(): void {
    if (this.#count === 0) return;
    const roots = new Set<unknown>();
    for (const [values, fields] of this.#fields) for (const name of fields.keys()) roots.add(values[name]);
    for (const [values, fields] of this.#fields) {
      for (const [name, handed] of fields) values[name] = separated(values[name], handed, roots);
    }
    this.#fields.clear();
    this.#count = 0;
  }
}

/** @param roots the values of all fields that the handler had in hand */
function separated(value: unknown, { isAssigned, size, last }: Handed, roots: ReadonlySet<unknown>): unknown {
  if (!isCopied(value) || isFrozen(value)) return value;
  if (isAssigned) return copyOf(value);
  if (!Array.isArray(value)) {
    const mayShare = roots.size > 1 || sizeOf(value) > size;
    return mayShare && holdsObjects(value) ? copyOf(value) : value;
  }
  if (value.length >= size && value[size - 1] !== last) return holdsObjects(value) ? copyOf(value) : value;
  for (let at = size; at < value.length; at++) value[at] = copyOf(value[at]); // the usual case: something was added
  return value.length <= size && roots.size > 1 && holdsAny(value, roots) ? copyOf(value) : value;
}

/** Whether one of these is somewhere inside a value. */
function holdsAny(value: object, wanted: ReadonlySet<unknown>): boolean {
  const isWanted = (item: unknown): boolean =>
    typeof item === "object" && item !== null && (wanted.has(item) || holdsAny(item, wanted));
  if (Array.isArray(value)) return value.some(isWanted);
  if (value instanceof Map) return [...value].flat().some(isWanted);
  if (value instanceof Set) return [...value].some(isWanted);
  const fields = value as Values;
  if (isPlain(value)) for (const name in fields) if (isWanted(fields[name])) return true;
  return false;
}

function sizeOf(value: object): number {
  if (Array.isArray(value)) return value.length;
  return value instanceof Map || value instanceof Set ? value.size : 0;
}
