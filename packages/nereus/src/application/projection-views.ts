import { definition, definitionOf } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import type { ProjectionClass, ProjectionDefinition } from "../model/projection.ts";
import { collectionOf, type ProjectorDefinition } from "./projector.ts";
import type { Registry, Runtime } from "./registry.ts";
import type { Reads } from "./unit-transaction.ts";
import { ProjectionView, type View } from "./view.ts";

/**
 * The rows of a projection of the domain.
 *
 * @throws NereusError UNKNOWN_PROJECTION
 */
export function viewIn<R extends object>(
  runtime: Runtime,
  projection: ProjectionClass<R>,
  tenant: string,
  { documents }: Reads = runtime.store,
): View<R> {
  const known = knownProjection(runtime.registry, projection);
  // start-up has refused projections without a projector
  const own = runtime.registry.projectors.get(known[definition].name) as ProjectorDefinition;
  return new ProjectionView(known as ProjectionClass<R>, collectionOf(own), documents, tenant);
}

/** @throws NereusError UNKNOWN_PROJECTION for what is not a projection of the domain */
export function knownProjection(registry: Registry, projection: unknown): ProjectionClass {
  const own = definitionOf<ProjectionDefinition>(projection, "projection");
  const known = registry.projections.get(own?.name ?? "");
  if (own !== undefined && known?.[definition] === own) return known;
  const name = own?.name ?? String((projection as { name?: unknown } | undefined)?.name ?? projection);
  throw new NereusError("UNKNOWN_PROJECTION", `${name} is not a projection of domain ${registry.domain}`, {
    element: name,
    fix: own === undefined ? "Pass a class made by Projection(…)." : `Add ${name} and its projector to the elements.`,
  });
}
