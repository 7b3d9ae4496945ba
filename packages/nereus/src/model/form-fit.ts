import { formName } from "./form-names.ts";
import { admits } from "./form-values.ts";
import { isAnything, type Scalar, type StoredForm } from "./stored-form.ts";

/** Where what is stored in one form is no value of another. */
export interface Misfit {
  /** `lines[].amount`; empty for the whole. */
  readonly path: string;
  readonly was: string;
  readonly now: string;
}

/**
 * Where values that were stored in a form are no values of another one, in which they are to be read; an empty list: everything fits. What cannot be
 * proved to fit does not. A field that is no more is passed over when it is read, and so fits.
 */
export function misfits(was: StoredForm, now: StoredForm): readonly Misfit[] {
  return new Fit(was.$defs ?? {}, now.$defs ?? {}).of(was, now, "");
}

/** For messages. */
export function listOf(found: readonly Misfit[]): string {
  return found
    .map(({ path, was, now }) => `${path === "" ? "the whole" : path} was ${was}, and is ${now} now`)
    .join("; ");
}

type Misfits = readonly Misfit[];
type Forms = Readonly<Record<string, StoredForm>>;

const fitting: Misfits = [];

class Fit {
  readonly #was: Forms;
  readonly #now: Forms;
  /** Pairs that are being looked at: met again within themselves, they fit unless something else does not. */
  readonly #assumed = new Set<string>();

  constructor(was: Forms, now: Forms) {
    this.#was = was;
    this.#now = now;
  }

  of(was: StoredForm, now: StoredForm, path: string): Misfits {
    if (isAnything(now)) return fitting;
    if (was.$ref !== undefined || now.$ref !== undefined) return this.#referred(was, now, path);
    if (now.allOf !== undefined) return now.allOf.flatMap((part) => this.of(was, part, path));
    const each = alternativesOf(was, now);
    if (each !== undefined) return this.#every(each, was, now, path);
    if (was.allOf?.some((part) => this.of(part, now, path).length === 0) === true) return fitting;
    if (now.anyOf !== undefined) return this.#some(now.anyOf, was, now, path);
    if (was.enum !== undefined)
      return whether(
        was.enum.every((value) => admits(now, value)),
        was,
        now,
        path,
      );
    if (was.type !== now.type) return whether(isWidened(was, now), was, now, path);
    if (was.type === "object") return this.#objects(was, now, path);
    if (was.type === "array") return this.#lists(was, now, path);
    return whether(isScalarFit(was, now), was, now, path);
  }

  #referred(was: StoredForm, now: StoredForm, path: string): Misfits {
    const pair = JSON.stringify([was, now]);
    if (this.#assumed.has(pair)) return fitting;
    this.#assumed.add(pair);
    const found = this.of(resolved(was, this.#was), resolved(now, this.#now), path);
    if (found.length > 0) this.#assumed.delete(pair);
    return found;
  }

  /** Of alternatives, each must fit. */
  #every(each: readonly StoredForm[], was: StoredForm, now: StoredForm, path: string): Misfits {
    const found = each.map((one) => this.of(one, now, path)).filter((misfit) => misfit.length > 0);
    const [only] = found;
    if (only === undefined) return fitting;
    return found.length === 1 && only.some((misfit) => misfit.path !== path) ? only : misfit(was, now, path);
  }

  /** To one of the alternatives it must fit; the one that it is meant for says why it does not. */
  #some(alternatives: readonly StoredForm[], was: StoredForm, now: StoredForm, path: string): Misfits {
    const alike: Misfits[] = [];
    for (const one of alternatives) {
      const found = this.of(was, one, path);
      if (found.length === 0) return fitting;
      if (found.every((misfit) => misfit.path !== path)) alike.push(found);
    }
    const [only] = alike;
    return alike.length === 1 && only !== undefined ? only : misfit(was, now, path);
  }

  #objects(was: StoredForm, now: StoredForm, path: string): Misfits {
    const read = Object.entries(now.properties ?? {}).flatMap(([name, form]) =>
      this.#field(was, now, name, form, path),
    );
    const { additionalProperties: open = false } = now;
    return open === false ? read : [...read, ...this.#furtherKeys(was, now, open, path)];
  }

  #field(was: StoredForm, now: StoredForm, name: string, form: StoredForm, path: string): Misfits {
    const at = fieldAt(path, name);
    const former = propertyAt(was, name);
    const found = former === undefined ? fitting : this.of(former, form, at);
    const isThere = former !== undefined && was.required?.includes(name) === true;
    const isNeeded = now.required?.includes(name) === true && now.filled?.includes(name) !== true;
    if (isThere || !isNeeded) return found;
    return [
      ...found,
      { path: at, was: former === undefined ? "not there" : "not always there", now: `required ${formName(form)}` },
    ];
  }

  /** Keys that the class does not name, and takes all the same. */
  #furtherKeys(was: StoredForm, now: StoredForm, open: StoredForm, path: string): Misfits {
    const { propertyNames, properties: named = {} } = now;
    const found = Object.entries(was.properties ?? {})
      .filter(([name]) => !Object.hasOwn(named, name))
      .flatMap(([name, form]) => {
        const at = fieldAt(path, name);
        const isTaken = propertyNames === undefined || admits(propertyNames, name);
        return isTaken ? this.of(form, open, at) : misfit(form, { anyOf: [] }, at);
      });
    const { additionalProperties: further = false, propertyNames: keys = { type: "string" } } = was;
    if (further === false) return found;
    const ofKeys = propertyNames === undefined ? fitting : this.of(keys, propertyNames, `${path}{key}`);
    return [...found, ...ofKeys, ...this.of(further, open, `${path}{}`)];
  }

  #lists(was: StoredForm, now: StoredForm, path: string): Misfits {
    const before = was.prefixItems ?? [];
    const after = now.prefixItems ?? [];
    const { items: rest = {} } = was;
    const { items: open = {} } = now;
    const found: Misfit[] = [];
    for (let at = 0; at < Math.max(before.length, after.length); at++) {
      const former = before[at] ?? rest;
      const form = after[at] ?? open;
      if (former === false) continue;
      if (form === false) found.push(...misfit(former, { anyOf: [] }, `${path}[${at}]`));
      else found.push(...this.of(former, form, `${path}[${at}]`));
    }
    if ((was.minItems ?? 0) < (now.minItems ?? 0)) found.push(...misfit(was, now, path));
    if (rest === false) return found;
    if (open === false) return [...found, ...misfit(was, now, path)];
    return [...found, ...this.of(rest, open, `${path}[]`)];
  }
}

function resolved(form: StoredForm, forms: Forms): StoredForm {
  if (form.$ref === undefined) return form;
  return forms[form.$ref.slice("#/$defs/".length)] ?? {};
}

function fieldAt(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** What an object may hold under a key; undefined where it has none. */
function propertyAt(form: StoredForm, name: string): StoredForm | undefined {
  const { properties = {}, additionalProperties: further = false, propertyNames } = form;
  if (Object.hasOwn(properties, name)) return properties[name];
  if (further === false) return undefined;
  return propertyNames === undefined || admits(propertyNames, name) ? further : undefined;
}

/** The values of a form one by one, where another one has alternatives for them. */
function alternativesOf({ anyOf, enum: values, type }: StoredForm, now: StoredForm): readonly StoredForm[] | undefined {
  if (anyOf !== undefined) return anyOf;
  const all: readonly Scalar[] | undefined = type === "boolean" ? [true, false] : values;
  const isSplit = now.anyOf !== undefined || now.enum !== undefined;
  return all !== undefined && isSplit && all.length > 1 ? all.map((value) => ({ enum: [value] })) : undefined;
}

/** Types of which one holds every value of the other. */
function isWidened(was: StoredForm, now: StoredForm): boolean {
  if (was.type !== "integer") return false;
  return (now.type === "number" && now.enum === undefined) || now.format === "bigint"; // which is read from whole numbers as from digits
}

function isScalarFit(was: StoredForm, now: StoredForm): boolean {
  if (now.enum !== undefined) return false;
  if (now.template !== undefined) return JSON.stringify(was.template) === JSON.stringify(now.template);
  if (now.format === undefined) return true;
  return was.format === now.format && (now.format !== "decimal" || isRoomier(was, now));
}

/** The most digits of a decimal. */
const unbounded = 1000;

function isRoomier(was: StoredForm, now: StoredForm): boolean {
  const { scale = 0, precision = unbounded } = now;
  const { scale: before = 0, precision: digits = unbounded } = was;
  return scale >= before && (precision === unbounded || precision - scale >= digits - before);
}

function whether(fits: boolean, was: StoredForm, now: StoredForm, path: string): Misfits {
  return fits ? fitting : misfit(was, now, path);
}

function misfit(was: StoredForm, now: StoredForm, path: string): Misfits {
  return [{ path, was: formName(was), now: formName(now) }];
}
