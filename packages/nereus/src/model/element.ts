/** What an element of a domain is. */
export type ElementKind =
  | "event"
  | "command"
  | "query"
  | "valueObject"
  | "entity"
  | "aggregate"
  | "projection"
  | "commandHandlers"
  | "queryHandlers"
  | "projector"
  | "repository"
  | "eventHandlers"
  | "domainService"
  | "applicationService"
  | "subscriber"
  | "registry";

/** The key under which every element carries its definition; the same for every copy of the package. */
export const definition: unique symbol = Symbol.for("nereus.definition") as never;

/** Something that a domain can be made of. */
export interface Element<K extends ElementKind = ElementKind> {
  readonly [definition]: { readonly kind: K; readonly name: string };
}

// the parameters of a class that is extended are of no interest here
// biome-ignore lint/suspicious/noExplicitAny: TypeScript wants exactly this of a class to extend
type Extensible = new (...input: any[]) => object;

/** For each class that carries a definition of its own: the class under it. */
const parents = new WeakMap<object, Extensible>();

/** A class with a definition, to be extended by the user or by {@link redefine}. */
export function define(parent: object, own: object): object {
  const base = class extends (parent as Extensible) {};
  Object.defineProperty(base, definition, { value: own });
  parents.set(base, parent as Extensible);
  return base;
}

/**
 * The class with another definition in the place of the one it has. Nothing is changed in place: whoever holds the
 * former class has the former definition, and so have the classes made from it.
 */
export function redefine(base: object, own: object): object {
  return define(parents.get(base) ?? base, own);
}

/** The definition of an element, if the value is one of that kind. */
export function definitionOf<D extends { readonly kind: ElementKind }>(value: unknown, kind: D["kind"]): D | undefined {
  if ((typeof value !== "function" && typeof value !== "object") || value === null || !(definition in value)) {
    return undefined;
  }
  const found = value[definition] as D;
  return found.kind === kind ? found : undefined;
}

/** The name of what should be an element: a circular import may give undefined in its place. */
export function nameOf(element: Element): string {
  const given: Element | undefined = element;
  return String(given?.[definition]?.name);
}

/** The kind of an element; undefined for anything else. */
export function kindOf(value: unknown): ElementKind | undefined {
  if ((typeof value !== "function" && typeof value !== "object") || value === null || !(definition in value)) {
    return undefined;
  }
  return (value as Element)[definition].kind;
}
