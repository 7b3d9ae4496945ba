import { definition, type Element } from "../model/element.ts";
import type { OutputOf } from "../model/field.ts";
import type { StandardSchema } from "../model/standard-schema.ts";
import type { CommandContext } from "./context.ts";

export interface SubscriberOptions<M extends StandardSchema> {
  /** The stream, topic or queue of the broker. */
  readonly stream: string;
  /** Which of the domain's brokers. Default: `default`. */
  readonly broker?: string;
  /** What a message has to look like: the other side's words end here. */
  readonly message: M;
  /** Messages of one key are handled one after the other in a process. Default: they are independent. */
  readonly key?: (message: OutputOf<M>) => string;
}

/** The definition behind `subscriber(…)`. */
export interface SubscriberDefinition {
  readonly kind: "subscriber";
  readonly name: string;
  readonly broker: string;
  readonly stream: string;
  readonly message: StandardSchema;
  readonly key: ((message: unknown) => string) | undefined;
  readonly handle: (message: unknown, context: CommandContext) => unknown;
  /** The decorated class, if it is of one. */
  readonly type?: object | undefined;
}

/** What a schema takes. */
type SchemaInput<M extends StandardSchema> = NonNullable<M["~standard"]["types"]>["input"];

/** A handler of another system's messages. `I`: what a message is before it is parsed. */
export interface Subscriber<I = unknown> extends Element<"subscriber"> {
  readonly [definition]: SubscriberDefinition;
  /** For the compiler only. */
  readonly input?: I;
}

/**
 * Takes in the messages of another system, as an anti-corruption layer: parses each, and says it in the words of this
 * domain. A message is handled in one unit of work, and takes effect once by its id.
 *
 * Brokers are not part of this release: hand messages in with `domain.deliver`, where a webhook or a consumer of yours has them; in
 * tests, `deliver` of `nereus/testing` is typed by the schema.
 *
 * @example
 * export const gateway = subscriber("PaymentGateway",
 *   { stream: "payments", message: z.object({ account: z.string(), cents: z.number().int(), state: z.string() }) },
 *   async ({ account, cents, state }, { process }) => {
 *     if (state === "completed") await process(new Deposit({ accountId: account, amount: cents }));
 *   });
 */
export function subscriber<M extends StandardSchema>(
  name: string,
  { stream, broker = "default", message, key }: SubscriberOptions<M>,
  handle: (message: OutputOf<M>, context: CommandContext) => unknown,
): Subscriber<SchemaInput<M>> {
  // a message is what the schema makes of it, which only the caller's types know
  const ofMessage = { key: key as SubscriberDefinition["key"], handle: handle as SubscriberDefinition["handle"] };
  return { [definition]: { kind: "subscriber", name, broker, stream, message, ...ofMessage } };
}
