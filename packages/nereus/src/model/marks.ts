import { z } from "zod";

/**
 * Puts marks on a schema that the schemas made from it keep (`describe`, `meta`, `refine`, `max` …): Zod makes each of
 * those by its `clone`, which knows nothing of them.
 */
export function marked<S extends z.core.$ZodType>(schema: S, marks: Readonly<Record<symbol, unknown>>): S {
  type Clone = (...options: unknown[]) => z.core.$ZodType;
  const { clone } = schema as { readonly clone?: Clone };
  const copy: Clone = (...options) => marked(clone?.apply(schema, options) ?? z.core.clone(schema), marks);
  Object.defineProperty(schema, "clone", { value: copy, configurable: true, writable: true });
  return Object.assign(schema, marks);
}
