import type { AggregateDefinition, AggregateOptions, StateStoredOptions } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import type { Invariant } from "../model/invariant.ts";
import type { CompiledShape } from "../model/shape.ts";
import { checkSingleIdentifier } from "./check-fields.ts";
import { checkLists } from "./check-lists.ts";
import { checkOptionNames, type OptionNames } from "./check-option-names.ts";
import type { Faults } from "./faults.ts";
import type { ModelMessages } from "./model-messages.ts";
import type { ModelParts } from "./model-parts.ts";
import type { ModelShapes } from "./model-shapes.ts";

const optionNames: OptionNames<AggregateOptions & StateStoredOptions> = {
  factEvents: true,
  snapshotEvery: true,
  snapshotVersion: true,
  indexes: true,
  unique: true,
};

export function checkAggregates(parts: ModelParts, messages: ModelMessages, shapes: ModelShapes, faults: Faults): void {
  for (const aggregate of parts.aggregates.values()) checkAggregate(aggregate[definition], faults);
  checkOwners(parts, messages, faults);
  for (const { name, invariants, preconditions } of shapes.entities.keys()) {
    checkRules(name, [...invariants, ...preconditions], faults);
  }
  for (const { name, invariants } of shapes.valueObjects) checkRules(name, invariants, faults);
}

function checkAggregate(own: AggregateDefinition, faults: Faults): void {
  const { name, shape, eventSourced, appliers, invariants, preconditions, options } = own;
  faults.addAll(own.faults);
  checkIdentifier(name, shape, faults);
  checkRules(name, [...invariants, ...preconditions], faults);
  checkOptions(own, faults);
  if (eventSourced) checkEventSourced(own, faults);
  else checkLists(name, shape, options, faults);
  for (const [event, { apply }] of appliers) {
    if (typeof apply === "function") continue;
    faults.add(
      "HANDLER_INVALID",
      name,
      `its .applies for ${event} has no function`,
      "Say what the event does to the state.",
    );
  }
}

function checkEventSourced({ name, appliers, options }: AggregateDefinition, faults: Faults): void {
  if (appliers.size === 0) {
    faults.add(
      "APPLY_MISSING",
      name,
      "it applies no event, so it can have no state",
      `Add .applies(Event, …) to ${name}.`,
    );
  }
  if (options.indexes === undefined && options.unique === undefined) return;
  const message = "it is event-sourced: there are no stored fields to index or to hold unique";
  faults.add("INDEX_INVALID", name, message, "Put the fields into a projection with these indexes.");
}

/** The identity of an aggregate or a row is exactly one field. */
export function checkIdentifier(name: string, { identifiers }: CompiledShape, faults: Faults): void {
  checkSingleIdentifier(name, identifiers, faults);
  if (identifiers.length > 0) return;
  faults.add("IDENTIFIER_MISSING", name, "it has no identifier field", "Give one field the type identifier().");
}

/** For callers without types. */
export function checkRules(name: string, rules: readonly Invariant[], faults: Faults): void {
  for (const { code, message, holds } of rules) {
    if (typeof holds === "function" && typeof code === "string" && typeof message === "string") continue;
    const fix = 'Write .invariant("code", "What to tell the caller", (state) => …).';
    faults.add("HANDLER_INVALID", name, `its rule ${String(code)} has no code, no message or no test`, fix);
  }
}

function checkOptions({ name, eventSourced, options }: AggregateDefinition, faults: Faults): void {
  checkOptionNames(name, Object.keys(options), optionNames, faults);
  const { factEvents } = options;
  if (factEvents !== undefined && typeof factEvents !== "boolean") {
    faults.add("ELEMENT_OPTION_INVALID", name, `factEvents is ${String(factEvents)}`, "Say true or false.");
  }
  for (const key of ["snapshotEvery", "snapshotVersion"] as const) {
    const value = options[key];
    if (value === undefined) continue;
    if (!isWhole(value, 1)) {
      faults.add("ELEMENT_OPTION_INVALID", name, `${key} is ${String(value)}`, "Give a whole number from 1.");
    } else if (!eventSourced) {
      const message = `it is state-stored, so that ${key} says nothing`;
      faults.add("ELEMENT_OPTION_INVALID", name, message, "Leave it out: the state is stored as it is.");
    }
  }
}

export function isWhole(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

/** An event belongs to one event-sourced aggregate: otherwise replay would not know whose state it makes. */
function checkOwners(parts: ModelParts, { sources }: ModelMessages, faults: Faults): void {
  for (const [event, names] of sources) {
    const owners = names.filter((name) => parts.aggregates.get(name)?.[definition].eventSourced === true);
    if (owners.length < 2) continue;
    faults.add(
      "EVENT_APPLIED_TWICE",
      event,
      `it is applied by ${owners.join(" and ")}`,
      "Give each aggregate an event of its own.",
    );
  }
}
