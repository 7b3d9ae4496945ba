import { type ElementKind, kindOf } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import type { CommandClass, EventClass, QueryClass } from "../model/message.ts";

/** What each method decorator is given. */
interface Given {
  readonly apply: EventClass;
  readonly on: EventClass;
  readonly handle: CommandClass;
  readonly read: QueryClass;
  readonly invariant: { readonly code: string; readonly message: string };
  readonly precondition: { readonly code: string; readonly message: string };
}

export type MarkKind = keyof Given;

/** What a decorator says of one method. */
export type Mark<K extends MarkKind = MarkKind> = {
  readonly [P in K]: { readonly as: P; readonly given: Given[P] };
}[K];

/** A decorated method of a class, by its name: what a subclass puts in its place is what runs. */
export interface MarkedMethod<K extends MarkKind = MarkKind> {
  readonly name: PropertyKey;
  readonly mark: Mark<K>;
}

/**
 * A decorator of methods like `M`, in a standard and in a legacy (`experimentalDecorators`) build alike. It takes note
 * of the method, and changes nothing.
 */
export interface DecoratesMethod<M extends (...input: never) => unknown> {
  (method: M, context: ClassMethodDecoratorContext): void;
  <F extends M>(prototype: object, name: string | symbol, descriptor: TypedPropertyDescriptor<F>): void;
}

/** A decorator of classes like `C`, in a standard and in a legacy build alike. It changes nothing but registers. */
export type DecoratesClass<C> = (type: C, context?: ClassDecoratorContext) => void;

/** By method, since a standard decorator does not see the class; a toolchain may not offer decorator metadata either. */
const marks = new WeakMap<object, readonly Mark[]>();

/** The decorator that notes this of a method. */
export function marking<M extends (...input: never) => unknown>(mark: Mark): DecoratesMethod<M> {
  return (...site: readonly unknown[]): void => {
    const method = methodAt(site);
    if (method === undefined) {
      const message = `@${mark.as} is on something else than a public method of an instance`;
      throw invalid(message, "Put it on a method that is neither static nor private, nor a field or an accessor.");
    }
    marks.set(method, [mark, ...(marks.get(method) ?? [])]); // decorators run from the last to the first
  };
}

/** Where a decorator may stand: `(method, context)` in a standard build, `(prototype, name, descriptor)` in a legacy one. */
function methodAt([target, where, descriptor]: readonly unknown[]): object | undefined {
  if (typeof where === "object" && where !== null) {
    const { kind, static: isStatic, private: isPrivate } = where as Partial<ClassMethodDecoratorContext>;
    return kind === "method" && !isStatic && !isPrivate && typeof target === "function" ? target : undefined;
  }
  const method: unknown = (descriptor as PropertyDescriptor | undefined)?.value;
  return typeof target === "object" && typeof method === "function" ? method : undefined;
}

/**
 * The decorated methods of a class and of those that it extends, the outermost first. A method that is decorated again
 * in a subclass has only its latest decorators; one that is overridden without keeps those it had.
 *
 * @throws NereusError DECORATOR_INVALID where a method has a decorator that says nothing in such a class
 */
export function markedMethods<K extends MarkKind>(
  type: object,
  decorator: string,
  allowed: readonly K[],
): MarkedMethod<K>[] {
  const found = new Map<PropertyKey, readonly Mark[]>();
  for (const prototype of lineage((type as { readonly prototype?: object }).prototype ?? null)) {
    for (const name of Reflect.ownKeys(prototype)) {
      const value: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value;
      const own = typeof value === "function" ? marks.get(value) : undefined;
      if (own !== undefined) found.set(name, own);
    }
  }
  const all = [...found].flatMap(([name, own]) => own.map((mark) => ({ name, mark })));
  const strange = all.find(({ mark }) => !allowed.includes(mark.as as K));
  if (strange === undefined) return all as MarkedMethod<K>[];
  const message = `@${strange.mark.as} on ${String(strange.name)} says nothing in a class with @${decorator}`;
  const fix = `Use ${allowed.map((name) => `@${name}`).join(", ")} there.`;
  throw invalid(message, allowed.length === 0 ? "Take it away." : fix);
}

function lineage(prototype: object | null): object[] {
  return prototype === null ? [] : [...lineage(Object.getPrototypeOf(prototype)), prototype];
}

/** @throws NereusError DECORATOR_INVALID for callers without types, and where a circular import gives nothing yet */
export function assertKind(decorator: string, value: unknown, kind: ElementKind): void {
  if (kindOf(value) === kind) return;
  const fix = `Write @${decorator}(…) with the class of ${kind === "event" || kind === "aggregate" ? "an" : "a"} ${kind}; if it comes from a circular import, it is not there yet.`;
  throw invalid(
    `@${decorator} was not given the class of ${kind === "event" || kind === "aggregate" ? "an" : "a"} ${kind}`,
    fix,
  );
}

export function invalid(message: string, fix: string): NereusError {
  return new NereusError("DECORATOR_INVALID", message, { fix });
}
