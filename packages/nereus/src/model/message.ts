import { definition, type Element, type ElementKind } from "./element.ts";
import { fault } from "./faulty.ts";
import type { Fields, Input, Shape, Shaped, ShapeWithout, Simplify } from "./field.ts";
import { freeze, frozenCopy } from "./freeze.ts";
import { newIdentity } from "./identity.ts";
import { type JsonStatics, jsonSchemaOfClass, madeFromJson, standardOf } from "./json-form.ts";
import { CompiledShape } from "./shape.ts";
import type { StandardSchema } from "./standard-schema.ts";
import type { Values } from "./values.ts";
import type { WireOf } from "./wire-types.ts";

declare const messageName: unique symbol;
declare const resultType: unique symbol;
declare const messageKind: unique symbol;

/** Keeps messages of the same fields apart for the compiler. */
export interface Named<N extends string> {
  readonly [messageName]: N;
}

/** What every event, command and query has besides its fields. */
export interface MessageInstance {
  /** Whether both are the same message: equal by identity, not by fields. */
  equals(other: unknown): boolean;
}

/** A command that `process`, or a query that `query`, answers with an `R`. */
export interface Returning<R, K extends "command" | "query"> {
  readonly [resultType]: R;
  readonly [messageKind]: K;
}

/** The definition behind the class of an event, command or query. */
export interface MessageDefinition<K extends "event" | "command" | "query" = "event" | "command" | "query"> {
  readonly kind: K;
  readonly name: string;
  /** Of the payload's shape, from 1. */
  readonly version: number;
  /** Part of the published language; nothing relays it yet. */
  readonly published: boolean;
  readonly shape: CompiledShape;
}

interface MessageElement<K extends "event" | "command" | "query"> extends Element<K> {
  readonly [definition]: MessageDefinition<K>;
}

/** Any class made by `Event`. */
export interface EventClass<E = unknown> extends MessageElement<"event"> {
  new (input: never): E;
}

/** Any class made by `Command`. */
export interface CommandClass<R = unknown, C = unknown> extends MessageElement<"command"> {
  new (input: never): C & Returning<R, "command">;
}

/** Any class made by `Query`. */
export interface QueryClass<R = unknown, Q = unknown> extends MessageElement<"query"> {
  new (input: never): Q & Returning<R, "query">;
}

export interface EventOptions {
  /** The version of the shape, from 1 (the default). Raise it when the shape changes incompatibly. */
  readonly version?: number;
  /** Whether the event belongs to the published language of this bounded context: a mark for relays to come. Default: false. */
  readonly published?: boolean;
}

/** An instance of a message: its fields, read-only, and its form in JSON. */
export type MessageOf<N extends string, S extends Shape> = Simplify<Readonly<Fields<S>>> &
  MessageInstance &
  Named<N> &
  Typed<N, S>;

/** What a message says of its class. */
export interface Typed<N extends string, S extends Shape> extends Shaped<S> {
  /** The name under which it is stored, which no minifier changes; on the prototype, and so not in JSON. */
  readonly $type: N;
  /** The fields as they are stored: a date is text. */
  toJSON(): WireOf<S>;
}

/** The class that `Event` returns, to extend. */
export interface EventBase<N extends string, S extends Shape>
  extends MessageElement<"event">,
    JsonStatics<S, MessageOf<N, S>> {
  new (input: Input<S>): MessageOf<N, S>;
}

/** The class that `Command` returns, to extend. */
export interface CommandBase<N extends string, S extends Shape, R>
  extends MessageElement<"command">,
    JsonStatics<S, MessageOf<N, S> & Returning<R, "command">> {
  new (input: Input<S>): MessageOf<N, S> & Returning<R, "command">;
}

/** The class that `Query` returns, to extend. */
export interface QueryBase<N extends string, S extends Shape, R>
  extends MessageElement<"query">,
    JsonStatics<S, MessageOf<N, S> & Returning<R, "query">> {
  new (input: Input<S>): MessageOf<N, S> & Returning<R, "query">;
}

/** A shape without the names that every message has. */
export type MessageShape = ShapeWithout<"$type" | "toJSON" | "equals">;

/** Says that stored values are trusted: replay constructs without validation. */
const trusted: unique symbol = Symbol("trusted");
const identity: unique symbol = Symbol.for("nereus.messageId") as never;
const raised: unique symbol = Symbol.for("nereus.raised") as never;
const reserved = ["equals", "toJSON", "$type"];

/**
 * A class of events: facts of the domain, named in the past tense, frozen, compared by identity.
 *
 * @param name the stored type name: explicit, so that renaming or minifying the class changes nothing
 * @param shape a schema per field; unknown keys are refused, and every fault of a field is reported at once
 * @throws ValidationError VALIDATION_FAILED from the constructor
 * @example
 * class DepositMade extends Event("DepositMade", { accountId: identifier(), amount: z.number().int().positive() }) {}
 * const event = new DepositMade({ accountId: "576", amount: 900 });
 */
export function Event<const N extends string, S extends MessageShape>(
  name: N,
  shape: S,
  options: EventOptions = {},
): EventBase<N, S> {
  return messageClass("event", name, shape, options) as unknown as EventBase<N, S>; // fields are known at run time only
}

/**
 * A class of commands: what a user or a process wants done, in the imperative. `.returns<R>()` says what its handler
 * answers, and `process` infers it.
 *
 * @throws ValidationError VALIDATION_FAILED from the constructor
 * @example class OpenAccount extends Command("OpenAccount", { accountId: identifier() }).returns<string>() {}
 */
export function Command<const N extends string, S extends MessageShape>(
  name: N,
  shape: S,
): CommandBase<N, S, void> & { returns<R>(): CommandBase<N, S, R> } {
  return returning(messageClass("command", name, shape, {})) as never;
}

/**
 * A class of queries: questions to the read side. `.returns<R>()` says what its handler answers.
 *
 * @throws ValidationError VALIDATION_FAILED from the constructor
 * @example class FindAccounts extends Query("FindAccounts", { holder: z.string() }).returns<AccountSummary[]>() {}
 */
export function Query<const N extends string, S extends MessageShape>(
  name: N,
  shape: S,
): QueryBase<N, S, void> & { returns<R>(): QueryBase<N, S, R> } {
  return returning(messageClass("query", name, shape, {})) as never;
}

function returning(base: object): object {
  return Object.assign(base, { returns: () => base });
}

function messageClass(
  kind: "event" | "command" | "query",
  name: string,
  shape: Shape,
  { version = 1, published = false }: EventOptions,
): new (
  input: unknown,
  trust?: typeof trusted,
) => Message {
  const compiled = new CompiledShape(name, shape, { reserved });
  if (!Number.isSafeInteger(version) || version < 1) {
    compiled.faults.push(
      fault("ELEMENT_OPTION_INVALID", name, `version is ${String(version)}`, "Give a whole number from 1."),
    );
  }
  const own: MessageDefinition = { kind, name, version, published, shape: compiled };
  const made = class extends Message {
    static readonly [definition]: MessageDefinition = own;
    constructor(input: unknown, trust?: typeof trusted) {
      super();
      own.shape.code.copy(this as unknown as Values, trust === trusted ? (input as Values) : own.shape.parse(input));
      if (trust !== trusted) close(this, own.shape);
    }
  };
  Object.defineProperty(made.prototype, "$type", { value: name });
  return made;
}

/** Ends what can be done to a new message: what the caller gave stays the caller's. */
function close(message: object, shape: CompiledShape): void {
  const target = message as Values;
  for (const { name } of shape.deep) target[name] = frozenCopy(target[name]);
  Object.freeze(message);
}

/** What all messages share. The identity is a private field: invisible to equality checks and spreads. */
class Message {
  static fromJSON(json: unknown): object {
    return madeFromJson(this, json);
  }

  static toJSONSchema(): Readonly<Record<string, unknown>> {
    return jsonSchemaOfClass(this);
  }

  static get "~standard"(): StandardSchema["~standard"] {
    return standardOf(this);
  }

  #id: string | undefined;
  #raised = false;

  get [raised](): boolean {
    return this.#raised;
  }

  set [raised](value: boolean) {
    this.#raised = value;
  }

  get [identity](): string {
    this.#id ??= newIdentity();
    return this.#id;
  }

  set [identity](id: string) {
    this.#id = id;
  }

  equals(other: unknown): boolean {
    return isMessage(other) && this[identity] === other[identity];
  }

  toJSON(): Values {
    return encodeMessage(this);
  }
}

interface AnyMessage {
  [identity]: string;
}

function isMessage(value: unknown): value is AnyMessage {
  return typeof value === "object" && value !== null && identity in value;
}

/** The identity of a message: made when it is first asked for, then kept. A UUID version 7. */
export function messageId(message: object): string {
  return (message as AnyMessage)[identity];
}

/** Whether an event object is raised already: it is one fact, and can be recorded once. */
export function isRaised(event: object): boolean {
  return (event as { [raised]: boolean })[raised];
}

export function setRaised(event: object, value: boolean): void {
  (event as { [raised]: boolean })[raised] = value;
}

/** The definition of a message's class; undefined if it is not a message of that kind. */
export function messageDefinition<K extends ElementKind>(
  message: unknown,
  kind: K,
): (MessageDefinition & { kind: K }) | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  const found = (message.constructor as Partial<Element>)[definition] as MessageDefinition | undefined;
  return found?.kind === kind ? (found as MessageDefinition & { kind: K }) : undefined;
}

/** The payload of a message as JSON carries it. */
export function encodeMessage(message: object): Values {
  const { shape } = (message.constructor as unknown as MessageElement<"event">)[definition];
  const values: Values = {};
  shape.code.copy(values, message as Values); // faster than spreading a frozen object
  return shape.encode(values);
}

/** A command from stored values, with the identity that it was sent under. */
export function restoreCommand(command: CommandClass, wire: Values, id: string): object {
  return restoreMessage(command as unknown as EventClass<object>, wire, id); // both are made by the same constructor
}

/**
 * A message from stored values, without validation; frozen only if it leaves the framework. In replay, where nobody else
 * has it, the state may take over its parts.
 */
export function restoreMessage<E>(messageClass: EventClass<E>, wire: Values, id?: string): E {
  const { shape } = messageClass[definition];
  const make = messageClass as unknown as new (input: Values, trust: typeof trusted) => E & AnyMessage;
  const message = new make(shape.decode(wire), trusted);
  if (id === undefined) return message;
  message[identity] = id;
  for (const { name } of shape.deep) freeze((message as Values)[name]); // nobody else has what was just parsed
  return Object.freeze(message);
}
