import { definition, definitionOf } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import type { ProjectionClass, ProjectionDefinition } from "../model/projection.ts";
import type { DocumentReader } from "../ports/store.ts";
import { handlingOf } from "./handling.ts";
import { collectionOf, type ProjectorDefinition } from "./projector.ts";
import type { Registry, Runtime } from "./registry.ts";
import { UnitTransaction } from "./unit-transaction.ts";
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
  transaction: UnitTransaction = new UnitTransaction(runtime.store, undefined),
): View<R> {
  const known = knownProjection(runtime.registry, projection);
  // start-up has refused projections without a projector
  const own = runtime.registry.projectors.get(known[definition].name) as ProjectorDefinition;
  return new ProjectionView(
    known as ProjectionClass<R>,
    collectionOf(own),
    readerOf(runtime, own, transaction),
    tenant,
  );
}

/** Rows of an inline projection have every event that was committed before they are read, whichever release committed it. */
function readerOf(runtime: Runtime, projector: ProjectorDefinition, transaction: UnitTransaction): DocumentReader {
  const { documents } = transaction.reads;
  if (projector.run !== "inline") return documents;
  const current = <T>(find: () => Promise<T>): Promise<T> => {
    // a projector's own reads are a part of catching up
    if (handlingOf(runtime.store, true) !== undefined) return find();
    return runtime.inline.read(projector, transaction, find);
  };
  return {
    get: (...asked) => current(() => documents.get(...asked)),
    find: (...asked) => current(() => documents.find(...asked)),
    count: (...asked) => current(() => documents.count(...asked)),
  };
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
