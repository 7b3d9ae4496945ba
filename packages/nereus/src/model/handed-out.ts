import { copyOf, holdsObjects, isCopied, isFrozen } from "./freeze.ts";
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
 * Not seen, because looking for it would cost as much as the whole state with every event: an object that a handler puts
 * twice, or keeps, somewhere deep inside the one field that it touches.
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
    const isAlone = this.#count === 1;
    for (const [values, fields] of this.#fields) {
      for (const [name, handed] of fields) values[name] = separated(values[name], handed, isAlone);
    }
    this.#fields.clear();
    this.#count = 0;
  }
}

function separated(value: unknown, { isAssigned, size, last }: Handed, isAlone: boolean): unknown {
  if (!isCopied(value) || isFrozen(value)) return value;
  if (isAssigned) return copyOf(value);
  if (Array.isArray(value) && value.length >= size && value[size - 1] === last) {
    for (let at = size; at < value.length; at++) value[at] = copyOf(value[at]); // the usual case: something was added
    if (value.length > size || isAlone) return value;
  }
  const isOther =
    !isAlone || sizeOf(value) > size || (Array.isArray(value) && value.length === size && value.at(-1) !== last);
  return isOther && holdsObjects(value) ? copyOf(value) : value;
}

function sizeOf(value: object): number {
  if (Array.isArray(value)) return value.length;
  return value instanceof Map || value instanceof Set ? value.size : 0;
}
