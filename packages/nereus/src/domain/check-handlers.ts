import type { EventHandlersOptions } from "../application/event-handlers.ts";
import type { CommandHandlersOptions } from "../application/handlers.ts";
import type { CommandRoute, QueryRoute } from "../application/registry.ts";
import type { AggregateClass } from "../model/aggregate-root.ts";
import { millisecondsOf } from "../model/duration.ts";
import { definition, definitionOf, type Element } from "../model/element.ts";
import type { EventClass, MessageDefinition } from "../model/message.ts";
import { isWhole } from "./check-aggregates.ts";
import { checkOptionNames, type OptionNames } from "./check-option-names.ts";
import { checkAggregateListed, checkProjectionListed } from "./check-registered.ts";
import { definitionIn } from "./element-reading.ts";
import type { Faults } from "./faults.ts";
import { type ModelMessages, messageName } from "./model-messages.ts";
import { isName, type ModelParts } from "./model-parts.ts";

const commandOptions: OptionNames<CommandHandlersOptions> = { timeout: true };
const eventOptions: OptionNames<EventHandlersOptions> = { run: true, retries: true, categories: true };

/**
 * Checks the handlers of commands.
 *
 * @returns how each command is handled, by its name
 */
export function checkCommandHandlers(parts: ModelParts, faults: Faults): ReadonlyMap<string, CommandRoute> {
  const routes = new Map<string, CommandRoute>();
  const users = new Map<string, string>();
  for (const { name: user, aggregate, options, handlings } of parts.commandHandlers) {
    checkAggregateListed(parts, aggregate, user, faults);
    checkOptionNames(user, Object.keys(options), commandOptions, faults);
    const timeout = checkTimeout(user, options, faults);
    checkAny(user, handlings, faults);
    for (const { command, handling } of handlings) {
      const name = messageName(command, "command");
      if (name === undefined) continue;
      checkFunction(user, name, handling.run, faults);
      const other = users.get(name);
      if (other !== undefined) {
        faults.add("COMMAND_HANDLED_TWICE", name, handledTwice(other, user), "Keep one handler per command.");
        continue;
      }
      const identityField = identityFieldOf(aggregate, command[definition]);
      if (handling.how === "update" && identityField === undefined) nameless(aggregate, name, faults);
      users.set(name, user);
      routes.set(name, { command, aggregate, handling, timeout, identityField });
    }
  }
  for (const name of unhandled(parts.commands, routes)) {
    faults.add("COMMAND_UNHANDLED", name, "nothing handles it", "Handle it, or take it out of the elements.");
  }
  return routes;
}

/** @returns in milliseconds */
function checkTimeout(user: string, { timeout }: CommandHandlersOptions, faults: Faults): number | undefined {
  if (timeout === undefined) return undefined;
  const span = millisecondsOf(timeout);
  if (span > 0) return span;
  const fix = "Give a span above 0: milliseconds, or { seconds: 5 }.";
  faults.add("ELEMENT_OPTION_INVALID", user, `timeout is ${JSON.stringify(timeout)}`, fix);
  return undefined;
}

/**
 * Checks the handlers of queries.
 *
 * @returns how each query is answered, by its name
 */
export function checkQueryHandlers(parts: ModelParts, faults: Faults): ReadonlyMap<string, QueryRoute> {
  const routes = new Map<string, QueryRoute>();
  const users = new Map<string, string>();
  for (const { name: user, projection, handlings } of parts.queryHandlers) {
    checkProjectionListed(parts, projection, user, faults);
    checkAny(user, handlings, faults);
    for (const { query, run } of handlings) {
      const name = messageName(query, "query");
      if (name === undefined) continue;
      checkFunction(user, name, run, faults);
      const other = users.get(name);
      if (other !== undefined) {
        faults.add("QUERY_HANDLED_TWICE", name, handledTwice(other, user), "Keep one handler per query.");
        continue;
      }
      users.set(name, user);
      routes.set(name, { query, projection, run });
    }
  }
  for (const name of unhandled(parts.queries, routes)) {
    faults.add("QUERY_UNHANDLED", name, "nothing answers it", "Answer it, or take it out of the elements.");
  }
  return routes;
}

/** Checks the handlers of events. */
export function checkEventHandlers(parts: ModelParts, messages: ModelMessages, faults: Faults): void {
  for (const { name: user, given, handlings, run, retries, categories } of parts.eventHandlers.values()) {
    checkOptionNames(user, given, eventOptions, faults);
    checkAny(user, handlings, faults);
    if (run !== "inline" && run !== "async") {
      faults.add("ELEMENT_OPTION_INVALID", user, `run is ${String(run)}`, 'Say "inline" or "async".');
    }
    if (!isWhole(retries, 0)) {
      faults.add("ELEMENT_OPTION_INVALID", user, `retries is ${String(retries)}`, "Give a whole number from 0.");
    }
    checkCategories(user, run, categories, faults);
    for (const { event, handle } of handlings) {
      const name = messageName(event, "event");
      if (name === undefined) continue;
      checkFunction(user, name, handle, faults);
      checkEventReachable(parts, messages, event, user, faults, run === "inline");
    }
  }
}

/** Checks which categories are read. */
export function checkCategories(user: string, run: string, categories: unknown, faults: Faults): void {
  if (categories === undefined) return;
  const message = `categories is ${JSON.stringify(categories)}`;
  if (!Array.isArray(categories) || categories.length === 0 || !categories.every(isName)) {
    faults.add("ELEMENT_OPTION_INVALID", user, message, 'Give a list of names: ["Account"], or leave it out.');
  } else if (run === "inline") {
    const fix = 'Leave it out, or say { run: "async" }: inline, only events of this domain\'s own commands are seen.';
    faults.add("ELEMENT_OPTION_INVALID", user, message, fix);
  }
}

/**
 * What waits for an event that never comes is a slip: a forgotten aggregate, or a wrong class.
 *
 * @param inline whether it is reached by the commands of this domain only, and not by the log
 */
export function checkEventReachable(
  parts: ModelParts,
  { sources }: ModelMessages,
  event: EventClass,
  user: string,
  faults: Faults,
  inline = false,
): void {
  const name = messageName(event, "event");
  if (name === undefined || sources.has(name)) return;
  if (!parts.events.includes(event)) {
    const message = `${user} waits for it, but no aggregate of the domain raises or applies it`;
    const fix = `Add its aggregate to the elements; if it comes from elsewhere or is of former times, list ${name} itself.`;
    faults.add("EVENT_UNREACHABLE", name, message, fix);
  } else if (inline) {
    const message = `${user} handles it inline, but no command of this domain leads to it`;
    faults.add("EVENT_UNREACHABLE", name, message, 'Handle it with { run: "async" }.');
  }
}

/** The command's field named as the aggregate's identifier is, or else its only identifier. */
export function identityFieldOf(aggregate: AggregateClass, { shape }: MessageDefinition): string | undefined {
  const name = identifierOf(aggregate);
  if (name !== undefined && shape.byName.has(name)) return name;
  return shape.identifiers.length === 1 ? shape.identifiers[0]?.name : undefined;
}

function identifierOf(aggregate: unknown): string | undefined {
  return definitionOf<AggregateClass[typeof definition]>(aggregate, "aggregate")?.shape.identifiers[0]?.name;
}

function nameless(aggregate: AggregateClass, command: string, faults: Faults): void {
  const message = `no field says which ${String(definitionIn(aggregate)?.name)} is meant`;
  const fix = `Give ${command} a field ${identifierOf(aggregate) ?? "identifier()"}, or handle it with .on(…).`;
  faults.add("COMMAND_IDENTITY_UNKNOWN", command, message, fix);
}

function unhandled(listed: readonly Element[], routes: ReadonlyMap<string, unknown>): string[] {
  return listed.map((message) => message[definition].name).filter((name) => !routes.has(name));
}

function handledTwice(one: string, other: string): string {
  return one === other ? `${one} handles it twice` : `${one} handles it, and ${other} does too`;
}

function checkAny(user: string, handlings: readonly unknown[], faults: Faults): void {
  if (handlings.length > 0) return;
  faults.add("HANDLERS_EMPTY", user, "it handles nothing", "Add a handler, or take it out of the elements.");
}

/** For callers without types. */
function checkFunction(user: string, message: string, handler: unknown, faults: Faults): void {
  if (typeof handler === "function") return;
  faults.add(
    "HANDLER_INVALID",
    user,
    `its handler of ${message} is not a function`,
    "Give the function that handles it.",
  );
}
