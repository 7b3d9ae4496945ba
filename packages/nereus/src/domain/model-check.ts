import type { Registry } from "../application/registry.ts";
import type { ModelFault } from "../model/errors.ts";
import { checkAggregates } from "./check-aggregates.ts";
import { checkFields } from "./check-fields.ts";
import { checkCommandHandlers, checkEventHandlers, checkQueryHandlers } from "./check-handlers.ts";
import { checkReadSide } from "./check-read-side.ts";
import { checkRepositories, checkServices } from "./check-services.ts";
import { Faults } from "./faults.ts";
import { foreignFault } from "./foreign-elements.ts";
import { collectMessages, type ModelMessages } from "./model-messages.ts";
import { type ModelParts, sortElements } from "./model-parts.ts";
import { collectShapes, type ModelShapes } from "./model-shapes.ts";

/** A model as far as it could be built, with every fault that was found. */
export interface CheckedModel {
  readonly registry: Registry;
  readonly faults: readonly ModelFault[];
  readonly parts: ModelParts;
  readonly messages: ModelMessages;
  readonly shapes: ModelShapes;
}

/**
 * Builds the registry of a domain from its elements, and collects every fault instead of stopping at the first.
 * Touches no infrastructure.
 */
export function checkModel(domain: string, elements: readonly unknown[]): CheckedModel {
  const foreign = foreignFault(domain, elements);
  if (foreign !== undefined) return { ...checkModel(domain, []), faults: [foreign] };
  const faults = new Faults();
  const parts = sortElements(domain, elements, faults);
  const messages = collectMessages(parts, faults);
  const shapes = collectShapes(parts, messages);
  checkAggregates(parts, messages, shapes, faults);
  checkFields(parts, messages, shapes, faults);
  const projectors = checkReadSide(parts, messages, faults);
  const commands = checkCommandHandlers(parts, faults);
  const queries = checkQueryHandlers(parts, faults);
  checkEventHandlers(parts, messages, faults);
  const repositories = checkRepositories(parts, faults);
  checkServices(parts, faults);
  const registry: Registry = {
    domain,
    aggregates: parts.aggregates,
    commands,
    queries,
    projections: parts.projections,
    projectors,
    inline: [...projectors.values()].filter((own) => own.run === "inline"),
    events: messages.types,
    sources: messages.sources,
    repositories,
    eventHandlers: [...parts.eventHandlers.values()],
    services: parts.services,
    subscribers: parts.subscribers,
  };
  return { registry, faults: faults.all, parts, messages, shapes };
}
