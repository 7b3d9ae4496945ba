import type { CommandContext } from "../application/context.ts";
import type { Slot } from "../domain/registered-elements.ts";
import type { Element } from "../model/element.ts";
import { invalid, type Mark, type MarkKind, markedMethods } from "./marks.ts";

type Handler = (message: object, context: unknown) => unknown;

/** What `commandHandlers`, `eventHandlers`, `projector` and `queryHandlers` have in common. */
interface Handlers extends Element {
  on(message: Mark["given"], handler: Handler): Handlers;
}

/** Adds the decorated methods of a class to a list of handlers, to be called on its instance. */
export type Fill = (empty: unknown, slot: Slot) => Element;

/**
 * Of a class whose methods have one kind of decorator.
 *
 * @throws NereusError DECORATOR_INVALID where it has none, or of another kind
 */
export function methodsOf(type: object, decorator: string, as: MarkKind): Fill {
  const methods = markedMethods(type, decorator, [as]);
  if (methods.length === 0) {
    throw invalid(
      `A class with @${decorator} has no method with @${as}`,
      `Put @${as}(…) on its methods, above any decorator that replaces the method.`,
    );
  }
  return (empty, slot) =>
    methods.reduce(
      (handlers, { name, mark }) =>
        handlers.on(mark.given, (message, context) => instanceIn(slot)[name]?.(message, context)),
      empty as Handlers,
    );
}

type UseCaseMethod = (context: CommandContext, ...input: readonly unknown[]) => unknown;

/**
 * The use cases of a class: its public methods, and those of the classes that it extends.
 *
 * @throws NereusError DECORATOR_INVALID where it has none
 */
export function useCasesOf(type: { readonly prototype: object }): (slot: Slot) => Record<string, UseCaseMethod> {
  markedMethods(type, "service", []);
  const names = new Set<string>();
  for (let at: object | null = type.prototype; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (name !== "constructor" && typeof value === "function") names.add(name);
    }
  }
  if (names.size === 0) throw invalid("A class with @service has no method", "Give it a method for each use case.");
  return (slot) =>
    Object.fromEntries(
      [...names].map((name): [string, UseCaseMethod] => [name, (...input) => instanceIn(slot)[name]?.(...input)]),
    );
}

/** The instance, which is there once the domain has started, by the names of its methods. */
export function instanceIn({ instance }: Slot): Readonly<Record<PropertyKey, Method | undefined>> {
  return instance as Readonly<Record<PropertyKey, Method | undefined>>; // decorators have looked at its methods
}

type Method = (...input: readonly unknown[]) => unknown;
