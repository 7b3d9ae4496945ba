import { definition, type Element } from "../model/element.ts";
import type { CommandContext } from "./context.ts";

/** A use case: what it needs of its surroundings, then whatever its caller gives. */
export type UseCase = (context: CommandContext, ...input: never[]) => unknown;

/** The definition behind `applicationService(…)`. */
export interface ApplicationServiceDefinition {
  readonly kind: "applicationService";
  readonly name: string;
  readonly useCases: Readonly<Record<string, UseCase>>;
  /** The decorated class, if it is of one. */
  readonly type?: object | undefined;
}

/** Use cases of an application. `U`: the functions as they were given. */
export interface ApplicationService<U> extends Element<"applicationService"> {
  readonly [definition]: ApplicationServiceDefinition & { readonly useCases: U };
}

/** The use cases as their callers see them: without the context. */
export type UseCases<U> = {
  readonly [K in keyof U]: U[K] extends (context: CommandContext, ...input: infer I) => infer R
    ? (...input: I) => Promise<Awaited<R>>
    : never;
};

/** A class with `@service`, of a registry of the domain. */
export type ServiceClass<H> = (abstract new (...input: never) => H) & { readonly [definition]?: never };

/** The methods of a class that can be use cases: those that take a context, and whatever else. */
export type UseCaseMethods<H> = { readonly [K in keyof H as H[K] extends UseCase ? K : never]: H[K] };

/**
 * Use cases that callers outside the domain reach by function, where a command would say no more than its only handler.
 * Each call is one unit of work: all of it commits, or nothing; after a conflict it runs again.
 *
 * @example
 * export const signup = applicationService("Signup", {
 *   async register({ repository }, email: string) {
 *     const customer = new Customer({ email });
 *     await repository(Customer).add(customer);
 *     return customer.customerId;
 *   },
 * });
 * const id = await shop.service(signup).register("ada@example.org");
 */
export function applicationService<const U extends Readonly<Record<string, UseCase>>>(
  name: string,
  useCases: U,
): ApplicationService<U> {
  return { [definition]: { kind: "applicationService", name, useCases } };
}
