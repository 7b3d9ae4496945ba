import { EventTypes } from "../log/event-types.ts";
import { definition, type ElementKind } from "../model/element.ts";
import type { ErrorCode } from "../model/errors.ts";
import type { CommandClass, EventClass, QueryClass } from "../model/message.ts";
import { definitionIn, whatIs } from "./element-reading.ts";
import type { Faults } from "./faults.ts";
import type { ModelParts } from "./model-parts.ts";

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
  for (const event of parts.events) events.add(event, "the list of elements");
  for (const command of parts.commands) commands.add(command, "the list of elements");
  for (const query of parts.queries) queries.add(query, "the list of elements");
  const sources = new Map<string, string[]>();
  for (const [name, aggregate] of parts.aggregates) {
    for (const { event } of aggregate[definition].appliers.values()) {
      const known = events.add(event, name);
      if (known !== undefined) sources.set(known, [...(sources.get(known) ?? []), name]);
    }
  }
  for (const { name, steps } of parts.projectors) for (const { event } of steps.values()) events.add(event, name);
  for (const { name, handlings } of parts.eventHandlers.values()) {
    for (const { event } of handlings) events.add(event, name);
  }
  for (const { name, handlings } of parts.commandHandlers) {
    for (const { command } of handlings) commands.add(command, name);
  }
  for (const { name, handlings } of parts.queryHandlers) for (const { query } of handlings) queries.add(query, name);
  const types = new EventTypes();
  for (const event of events.byName.values()) types.add(event);
  return { events: events.byName, commands: commands.byName, queries: queries.byName, types, sources };
}

/** The name of a message, if it is one of the kind. */
export function messageName(message: unknown, kind: ElementKind): string | undefined {
  const own = definitionIn(message);
  return own?.kind === kind ? own.name : undefined;
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

  /** @returns the name of the message, if it is one */
  add(message: M, user: string): string | undefined {
    const name = messageName(message, this.#kind);
    if (name === undefined) {
      const what = `it is given for ${whatIs(message)}, which is no ${this.#kind}`;
      this.#faults.add("MESSAGE_EXPECTED", user, what, `Give the class of the ${this.#kind}: two files that import each other may not have it yet.`);
      return undefined;
    }
    const known = this.byName.get(name);
    if (known === undefined) {
      this.byName.set(name, message);
      this.#users.set(name, user);
    } else if (known !== message) this.#refuse(name, user);
    return name;
  }

  #refuse(name: string, user: string): void {
    const first = this.#users.get(name);
    const where = first === user ? `${user} uses two classes of this name` : `${first} and ${user} mean two classes of this name`;
    this.#faults.add(this.#code, name, where, `Give each ${this.#kind} class a name of its own, and import each from one file.`);
  }
}
