import { collectionOf, type ProjectorDefinition, type ProjectorOptions } from "../application/projector.ts";
import { definition } from "../model/element.ts";
import type { ProjectionDefinition, ProjectionOptions } from "../model/projection.ts";
import { checkIdentifier, isWhole } from "./check-aggregates.ts";
import { checkCategories, checkEventReachable } from "./check-handlers.ts";
import { checkLists } from "./check-lists.ts";
import { checkOptionNames, type OptionNames } from "./check-option-names.ts";
import { checkProjectionListed } from "./check-registered.ts";
import { definitionIn } from "./element-reading.ts";
import type { Faults } from "./faults.ts";
import type { ModelMessages } from "./model-messages.ts";
import type { ModelParts } from "./model-parts.ts";

const projectionOptions: OptionNames<ProjectionOptions> = { indexes: true, unique: true };
const projectorOptions: OptionNames<ProjectorOptions> = { run: true, version: true, categories: true };

/**
 * Checks projections and what fills them.
 *
 * @returns the projectors by the name of their projection
 */
export function checkReadSide(
  parts: ModelParts,
  messages: ModelMessages,
  faults: Faults,
): ReadonlyMap<string, ProjectorDefinition> {
  const projectors = new Map<string, ProjectorDefinition>();
  for (const own of parts.projectors) {
    checkProjector(parts, messages, own, faults);
    const projection = definitionIn(own.projection);
    if (projection?.kind !== "projection") continue;
    if (projectors.has(projection.name)) {
      faults.add("PROJECTOR_DUPLICATE", projection.name, "it has two projectors", "Keep one projector per projection.");
    } else projectors.set(projection.name, own);
  }
  for (const projection of parts.projections.values()) {
    checkProjection(projection[definition], projectors.get(projection[definition].name), faults);
  }
  checkCollections(parts, projectors, faults);
  return projectors;
}

function checkProjection(own: ProjectionDefinition, filler: ProjectorDefinition | undefined, faults: Faults): void {
  const { name, shape } = own;
  checkIdentifier(name, shape, faults);
  checkOptionNames(name, own.given, projectionOptions, faults);
  checkLists(name, shape, own, faults);
  if (filler === undefined) {
    const fix = `Add projector(${name}, { run: "async" }) to the elements.`;
    faults.add("PROJECTOR_MISSING", name, "nothing fills it", fix);
  } else if (filler.run !== "inline" && Array.isArray(own.unique) && own.unique.length > 0) {
    const message = "it is unique by some fields, but filled after the commit, when no command can be refused any more";
    faults.add("UNIQUE_NOT_INLINE", name, message, 'Fill it with { run: "inline" }, or leave unique out.');
  }
}

function checkProjector(parts: ModelParts, messages: ModelMessages, own: ProjectorDefinition, faults: Faults): void {
  const { name, given, projection, steps, run, version, categories } = own;
  checkOptionNames(name, given, projectorOptions, faults);
  checkProjectionListed(parts, projection, name, faults);
  if (steps.size === 0) {
    faults.add("PROJECTOR_EMPTY", name, "it has no step", "Add .create(Event, …), .update or another.");
  }
  if (run !== "inline" && run !== "async") {
    faults.add("ELEMENT_OPTION_INVALID", name, `run is ${String(run)}`, 'Say "inline" or "async".');
  }
  if (!isWhole(version, 1)) {
    faults.add("ELEMENT_OPTION_INVALID", name, `version is ${String(version)}`, "Give a whole number from 1.");
  }
  checkCategories(name, run, categories, faults);
  for (const { event, steps: given } of steps.values()) {
    checkEventReachable(parts, messages, event, name, faults);
    if (given.every(({ how: _, ...functions }) => Object.values(functions).every((one) => typeof one === "function")))
      continue;
    const fix = "Give the functions that the step takes: the row's key, then what to do with the row.";
    faults.add("HANDLER_INVALID", name, `a step for ${String(definitionIn(event)?.name)} lacks a function`, fix);
  }
}

/** Versions of a projector keep their rows apart by a name that another projection may have. */
function checkCollections(
  parts: ModelParts,
  projectors: ReadonlyMap<string, ProjectorDefinition>,
  faults: Faults,
): void {
  const taken = new Set([...parts.aggregates.keys(), ...parts.projections.keys()]);
  for (const [name, projector] of projectors) {
    const collection = collectionOf(projector);
    if (collection === name || !taken.has(collection)) continue;
    const message = `version ${projector.version} of ${name} keeps its rows under this name, which is another element's`;
    faults.add("ELEMENT_DUPLICATE", collection, message, "Rename one of them.");
  }
}
