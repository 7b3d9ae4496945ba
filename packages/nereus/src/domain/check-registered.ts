import type { AggregateClass } from "../model/aggregate-root.ts";
import type { ProjectionClass } from "../model/projection.ts";
import { definitionIn, whatIs } from "./element-reading.ts";
import type { Faults } from "./faults.ts";
import { isListed, type ModelParts } from "./model-parts.ts";

/** An aggregate that something is bound to has to be an element of the domain. */
export function checkAggregateListed(parts: ModelParts, element: unknown, user: string, faults: Faults): void {
  checkListed(parts.aggregates, element, "aggregate", user, faults);
}

/** A projection that something is bound to has to be an element of the domain. */
export function checkProjectionListed(parts: ModelParts, element: unknown, user: string, faults: Faults): void {
  checkListed(parts.projections, element, "projection", user, faults);
}

function checkListed(
  known: ReadonlyMap<string, AggregateClass | ProjectionClass>,
  element: unknown,
  kind: "aggregate" | "projection",
  user: string,
  faults: Faults,
): void {
  const code = kind === "aggregate" ? "AGGREGATE_UNREGISTERED" : "PROJECTION_UNREGISTERED";
  const own = definitionIn(element);
  if (own?.kind !== kind) {
    faults.add(
      code,
      user,
      `it is bound to ${whatIs(element)}, which is no ${kind}`,
      `Bind it to the class of the ${kind}.`,
    );
    return;
  }
  if (isListed(known, own)) return;
  const what = known.has(own.name) ? "another class of this name is listed" : "it is not an element";
  faults.add(code, own.name, `${user} uses it, but ${what}`, `Add ${own.name} to the domain's elements.`);
}
