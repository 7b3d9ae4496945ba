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
  | "repository";

/** The key under which every element carries its definition; the same for every copy of the package. */
export const definition: unique symbol = Symbol.for("nereus.definition") as never;

/** Something that a domain can be made of. */
export interface Element<K extends ElementKind = ElementKind> {
  readonly [definition]: { readonly kind: K; readonly name: string };
}

/** The definition of an element, if the value is one of that kind. */
export function definitionOf<D extends { readonly kind: ElementKind }>(value: unknown, kind: D["kind"]): D | undefined {
  if ((typeof value !== "function" && typeof value !== "object") || value === null || !(definition in value)) {
    return undefined;
  }
  const found = value[definition] as D;
  return found.kind === kind ? found : undefined;
}

/** The kind of an element; undefined for anything else. */
export function kindOf(value: unknown): ElementKind | undefined {
  if ((typeof value !== "function" && typeof value !== "object") || value === null || !(definition in value)) {
    return undefined;
  }
  return (value as Element)[definition].kind;
}
