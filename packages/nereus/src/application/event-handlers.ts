import { definition, type Element } from "../model/element.ts";
import type { EventClass } from "../model/message.ts";
import type { EventContext } from "./context.ts";

/** When handlers of events run: in the transaction of the command, or after it, by the log. */
export type EventHandlersRun = "inline" | "async";

export interface EventHandlersOptions {
  /**
   * `inline`: before the command commits, in its unit of work; if a handler fails, nothing of the command is stored.
   * `async` (the default): after the commit, by an engine or by `settle`, each handler in a unit of work of its own; its effects in the store
   * happen once, effects outside it at least once.
   */
  readonly run?: EventHandlersRun;
  /** How often a failing async handler is tried again at once, before it stands still and is reported. Default: 3. */
  readonly retries?: number;
  /**
   * Only of `async` handlers: the categories of the streams whose events are read. Default: the aggregates that raise them; all for an event that no aggregate of the domain
   * raises. Name them where streams of a former name, or of another application on the log, count too.
   *
   * @example ["Account", "savings"]
   */
  readonly categories?: readonly string[];
}

export type EventHandling = (event: object, context: EventContext) => unknown;

/** The definition behind `eventHandlers(…)`. */
export interface EventHandlersDefinition {
  readonly kind: "eventHandlers";
  readonly name: string;
  readonly run: EventHandlersRun;
  readonly retries: number;
  readonly categories: readonly string[] | undefined;
  /** The names of the options that were given. */
  readonly given: readonly string[];
  /** In the order in which they were given, which is the order in which they run. */
  readonly handlings: readonly { readonly event: EventClass; readonly handle: EventHandling }[];
}

/** Handlers of events. Each method returns the handlers with one more. */
export interface EventHandlers extends Element<"eventHandlers"> {
  readonly [definition]: EventHandlersDefinition;
  /** Several handlers of one event all run, in the order in which they are given, whether or not one of them fails. */
  on<E>(event: EventClass<E>, handle: (event: NoInfer<E>, context: EventContext) => unknown): EventHandlers;
}

/**
 * What is to be done when something has happened: policies, notifications, commands to other aggregates.
 *
 * @param name names its place in the log: explicit, and never changed while it is in use
 * @example
 * export const alerts = (mailer: Mailer) => eventHandlers("ComplianceAlerts", { retries: 5 })
 *   .on(DepositMade, async (event, context) => {
 *     if (event.amount >= 10_000_00) await context.send(new HoldAccount({ accountId: event.accountId }));
 *   });
 */
export function eventHandlers(name: string, options: EventHandlersOptions = {}): EventHandlers {
  const { run = "async", retries = 3, categories } = options;
  const given = Object.keys(options);
  const own: EventHandlersDefinition = { kind: "eventHandlers", name, run, retries, categories, given, handlings: [] };
  return new EventHandlerList(own) as unknown as EventHandlers; // handlers are kept without their types
}

class EventHandlerList {
  readonly [definition]: EventHandlersDefinition;

  constructor(own: EventHandlersDefinition) {
    this[definition] = own;
  }

  on(event: EventClass, handle: EventHandling): EventHandlerList {
    const own = this[definition];
    return new EventHandlerList({ ...own, handlings: [...own.handlings, { event, handle }] });
  }
}
