import type { ChangeScope } from "./change-scope.ts";
import { NereusError } from "./errors.ts";
import type { CompiledShape } from "./shape.ts";
import type { Values } from "./values.ts";

/**
 * Where an instance keeps its fields and the scope it belongs to. Own symbols, not private fields, so that deep
 * equality in tests compares them and they hold across package copies.
 */
const state: unique symbol = Symbol.for("nereus.state") as never;
const scopeOf: unique symbol = Symbol.for("nereus.scope") as never;

interface HasState {
  [state]: Values;
  [scopeOf]: ChangeScope;
}

/** The fields of an entity or aggregate, unchecked. */
export function valuesOf(instance: object): Values {
  return (instance as HasState)[state];
}

/** The scope that an entity or aggregate changes in. */
export function scopeIn(instance: object): ChangeScope {
  return (instance as HasState)[scopeOf];
}

/** Gives a new instance its fields and scope; the scope is invisible to spreads, JSON and equality. */
export function setState(instance: object, values: Values, scope: ChangeScope): void {
  (instance as HasState)[state] = values;
  setScope(instance, scope);
}

/** Gives a class one checked accessor per field, on its prototype. */
export function defineAccessors(prototype: object, shape: CompiledShape): void {
  for (const field of shape.fields) {
    const { name, scalar, relation } = field;
    Object.defineProperty(prototype, name, {
      enumerable: true,
      configurable: true,
      get:
        scalar || relation !== undefined
          ? function (this: HasState) {
              return this[state][name];
            }
          : function (this: HasState) {
              return this[scopeOf].read(this[state], field);
            },
      set(this: HasState, value: unknown) {
        this[scopeOf].assign(this[state], field, value, shape.element);
      },
    });
  }
}

/** Moves an instance to another scope: that of the aggregate it now belongs to. */
export function setScope(instance: object, scope: ChangeScope): void {
  Object.defineProperty(instance, scopeOf, { value: scope, writable: true, enumerable: false });
}

const checked = new WeakSet<object>();

/**
 * A class field of the same name in a user's subclass would hide the accessor, and every check with it, silently.
 * Looked for once per class.
 *
 * @throws NereusError FIELD_REDECLARED
 */
export function refuseRedeclared(instance: object, shape: CompiledShape): void {
  if (checked.has(instance.constructor)) return;
  const hidden = shape.fields.find((field) => Object.hasOwn(instance, field.name));
  if (hidden !== undefined) {
    throw new NereusError("FIELD_REDECLARED", `${shape.element} declares the field ${hidden.name} again`, {
      element: shape.element,
      fix: `Remove "${hidden.name}" from the class body, or write "declare ${hidden.name}: …".`,
    });
  }
  checked.add(instance.constructor);
}
