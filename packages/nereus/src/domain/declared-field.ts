import type { CompiledField } from "../model/field.ts";
import type { Relation } from "../model/relation.ts";

/** What a field was declared with: a schema, or a value object's class. */
export function declaredOf(field: CompiledField & { readonly declared?: unknown }): unknown {
  return field.declared ?? field.schema;
}

/** What a relation holds, and whether any number of it; undefined where that is not known. */
export function heldBy(
  relation: Relation & { readonly entity?: unknown; readonly many?: boolean },
): { readonly entity: unknown; readonly many: boolean } | undefined {
  return "entity" in relation ? { entity: relation.entity, many: relation.many === true } : undefined;
}
