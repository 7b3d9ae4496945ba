import type { ChangeScope } from "./change-scope.ts";
import { NereusError } from "./errors.ts";
import { didYouMean } from "./nearest.ts";
import type { CompiledShape } from "./shape.ts";
import type { Values } from "./values.ts";

/** Where an instance keeps its fields: an own symbol, not a private field, so that deep equality in tests compares them. */
const state: unique symbol = Symbol.for("nereus.state") as never;

interface HasState {
  [state]: Values;
}

/** What belongs to a scope: an aggregate or an entity. Nobody sees the scope: not equality, JSON or a spread. */
export class Scoped {
  #scope: ChangeScope;

  constructor(values: Values, scope: ChangeScope) {
    this.#scope = scope;
    (this as unknown as HasState)[state] = values;
  }

  /** The scope that an entity or aggregate changes in. */
  static scopeOf(instance: object): ChangeScope {
    return (instance as Scoped).#scope;
  }

  /** Moves an entity to the scope of the aggregate that it now belongs to. */
  static moveTo(instance: object, scope: ChangeScope): void {
    (instance as Scoped).#scope = scope;
  }
}

/** The fields of an entity or aggregate, unchecked. */
export function valuesOf(instance: object): Values {
  return (instance as HasState)[state];
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
              return Scoped.scopeOf(this).read(this[state], field, shape);
            },
      set(this: HasState, value: unknown) {
        Scoped.scopeOf(this).assign(this[state], field, value, shape);
      },
    });
  }
}

/**
 * Whether a status field may go to a state, by its transitions.
 *
 * @throws NereusError UNKNOWN_FIELD for a field that is no status
 */
export function canTransition(instance: object, shape: CompiledShape, field: string, state: unknown): boolean {
  const transitions = shape.byName.get(field)?.transitions;
  if (transitions === undefined) {
    const known = shape.fields.filter((one) => one.transitions !== undefined).map(({ name }) => name);
    throw new NereusError("UNKNOWN_FIELD", `${shape.element} has no status field ${field}`, {
      element: shape.element,
      fix: `${didYouMean(field, known)}Name a field that is declared with status({ … }, …).`,
    });
  }
  const now = valuesOf(instance)[field];
  if (now === undefined || now === null) return Object.hasOwn(transitions, String(state));
  return (transitions[String(now)] ?? []).includes(String(state));
}

const checked = new WeakSet<object>();

/**
 * A class field in a user's subclass would hide the accessor of the same name, and every check with it; one of another
 * name would be lost whenever the instance is loaded again. Looked for once per class.
 *
 * @throws NereusError FIELD_REDECLARED or FIELD_NOT_IN_SHAPE
 */
export function refuseRedeclared(instance: object, shape: CompiledShape): void {
  if (checked.has(instance.constructor)) return;
  const [own] = Object.keys(instance);
  if (own !== undefined) throw shape.byName.has(own) ? redeclared(shape, own) : notInShape(shape, own);
  checked.add(instance.constructor);
}

function redeclared({ element }: CompiledShape, name: string): NereusError {
  return new NereusError("FIELD_REDECLARED", `${element} declares the field ${name} again`, {
    element,
    fix: `Remove "${name}" from the class body, or write "declare ${name}: …".`,
  });
}

function notInShape({ element }: CompiledShape, name: string): NereusError {
  return new NereusError("FIELD_NOT_IN_SHAPE", `${element} has a class field ${name}, which is not stored`, {
    element,
    fix: `Put ${name} into the shape, or make it a getter or a method.`,
  });
}
