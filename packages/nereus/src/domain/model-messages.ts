import { EventTypes } from "../log/event-types.ts";
import { definition, type ElementKind } from "../model/element.ts";
import type { ErrorCode } from "../model/errors.ts";
import type { CommandClass, EventClass, MessageDefinition, QueryClass } from "../model/message.ts";
import { definitionIn, whatIs } from "./element-reading.ts";
import type { Faults } from "./faults.ts";
import { isName, type ModelParts } from "./model-parts.ts";

/** Every message of a model, by name, whether listed or led to by another element. */
export interface ModelMessages {
  readonly events: ReadonlyMap<string, EventClass>;
  readonly commands: ReadonlyMap<string, CommandClass>;
  readonly queries: ReadonlyMap<string, QueryClass>;
  readonly types: EventTypes;
  /** The aggregates that raise or apply an event, by its name. */
  readonly sources: ReadonlyMap<string, readonly string[]>;
}

/** Collects the messages, and refuses what is no message, or has the name of another. */
export function collectMessages(parts: ModelParts, faults: Faults): ModelMessages {
  const events = new Messages<EventClass>("event", "EVENT_NAME_DUPLICATE", faults);
  const commands = new Messages<CommandClass>("command", "COMMAND_NAME_DUPLICATE", faults);
  const queries = new Messages<QueryClass>("query", "QUERY_NAME_DUPLICATE", faults);
  events.addAll(parts.events, listed);
  commands.addAll(parts.commands, listed);
  queries.addAll(parts.queries, listed);
  const sources = addRaised(parts, events);
  for (const { name, steps } of parts.projectors)
    events.addAll(
      [...steps.values()].map(({ event }) => event),
      name,
    );
  for (const [name, { handlings }] of parts.eventHandlers)
    events.addAll(
      handlings.map(({ event }) => event),
      name,
    );
  for (const { name, handlings } of parts.commandHandlers) {
    commands.addAll(
      handlings.map(({ command }) => command),
      name,
    );
  }
  for (const { name, handlings } of parts.queryHandlers)
    queries.addAll(
      handlings.map(({ query }) => query),
      name,
    );
  const types = new EventTypes();
  for (const event of events.byName.values()) {
    types.add(event);
    checkPublished(event[definition], faults);
  }
  return { events: events.byName, commands: commands.byName, queries: queries.byName, types, sources };
}

/** For callers without types: a text would count as true. */
function checkPublished({ name, published }: MessageDefinition, faults: Faults): void {
  if (typeof published === "boolean") return;
  faults.add("ELEMENT_OPTION_INVALID", name, `published is ${String(published)}`, "Say true or false.");
}

const listed = "the list of elements";

/** @returns the aggregates that raise or apply each event */
function addRaised(parts: ModelParts, events: Messages<EventClass>): ReadonlyMap<string, readonly string[]> {
  const sources = new Map<string, string[]>();
  for (const [aggregate, { [definition]: own }] of parts.aggregates) {
    for (const { event } of own.appliers.values()) {
      events.add(event, aggregate);
      const name = messageName(event, "event");
      if (name !== undefined) sources.set(name, [...(sources.get(name) ?? []), aggregate]);
    }
  }
  return sources;
}

/** The name of a message, if it is one of the kind. */
export function messageName(message: unknown, kind: ElementKind): string | undefined {
  const own = definitionIn(message);
  return own?.kind === kind ? String(own.name) : undefined;
}

class Messages<M> {
  readonly byName = new Map<string, M>();
  readonly #users = new Map<string, string>();
  readonly #kind: ElementKind;
  readonly #code: ErrorCode;
  readonly #faults: Faults;

  constructor(kind: ElementKind, code: ErrorCode, faults: Faults) {
    this.#kind = kind;
    this.#code = code;
    this.#faults = faults;
  }

  addAll(messages: readonly M[], user: string): void {
    for (const message of messages) this.add(message, user);
  }

  add(message: M, user: string): void {
    const name = messageName(message, this.#kind);
    if (name !== undefined && !isName(name)) {
      this.#faults.addAll((message as EventClass)[definition].shape.faults);
      return;
    }
    if (name === undefined) {
      const what = `it is given for ${whatIs(message)}, which is no ${this.#kind}`;
      const fix = `Give the class of the ${this.#kind}: where two files import each other, it may not be there yet.`;
      this.#faults.add("MESSAGE_EXPECTED", user, what, fix);
      return;
    }
    const known = this.byName.get(name);
    if (known === undefined) {
      this.byName.set(name, message);
      this.#users.set(name, user);
    } else if (known !== message) this.#refuse(name, user);
  }

  #refuse(name: string, user: string): void {
    const first = this.#users.get(name);
    const where =
      first === user ? `${user} uses two classes of this name` : `${first} and ${user} mean two classes of this name`;
    this.#faults.add(
      this.#code,
      name,
      where,
      `Give each ${this.#kind} class a name of its own, and import each from one file.`,
    );
  }
}
