import { type AggregateClass, AggregateRoot, definitionOfRoot } from "./aggregate-root.ts";
import { definition, type Element } from "./element.ts";
import { NereusError } from "./errors.ts";
import { checkInvariants, checkPreconditions, type Invariant } from "./invariant.ts";

/** The aggregates that a service works on, by the names that it calls them. */
export type Parts = Readonly<Record<string, AggregateClass>>;

/** The instances that a service is called with. */
export type PartInstances<P extends Parts> = {
  readonly [K in keyof P]: P[K] extends AggregateClass<infer A> ? A : never;
};

/** The definition behind `domainService(…)`. */
export interface DomainServiceDefinition {
  readonly kind: "domainService";
  readonly name: string;
  readonly parts: Parts;
  readonly invariants: readonly Invariant[];
  readonly preconditions: readonly Invariant[];
}

/** A service under construction: its rules, and at last what it does. */
export interface DomainServiceBuilder<P extends Parts> {
  /** A rule over the aggregates that has to hold before: its code, what to tell the caller, and the test. */
  precondition(code: string, message: string, holds: (parts: PartInstances<P>) => boolean): DomainServiceBuilder<P>;
  /** A rule over the aggregates that has to hold afterwards: its code, what to tell the caller, and the test. */
  invariant(code: string, message: string, holds: (parts: PartInstances<P>) => boolean): DomainServiceBuilder<P>;
  /** What the service does, synchronously: whatever it needs besides the aggregates is handed in. */
  does<I extends readonly unknown[], R>(steps: (parts: PartInstances<P>, ...input: I) => R): DomainService<P, I, R>;
}

/** A service to call with its aggregates. */
export interface DomainService<P extends Parts, I extends readonly unknown[], R> extends Element<"domainService"> {
  readonly [definition]: DomainServiceDefinition;
  /**
   * Changes all of the aggregates, or none: if a rule of the service or of one of them fails, every one is as before.
   *
   * @throws ValidationError PRECONDITION_FAILED or INVARIANT_FAILED naming every rule that fails
   */
  (parts: PartInstances<P>, ...input: I): R;
}

/**
 * A rule or a step that belongs to no single aggregate. It is part of the model: synchronous, without repositories; a
 * handler loads the aggregates, calls it, and adds them.
 *
 * @param parts two or more aggregates, by the names that the service calls them
 * @example
 * export const allocate = domainService("Allocate", { order: Order, stock: Stock })
 *   .precondition("sku", "The stock is of another product", ({ order, stock }) => order.sku === stock.sku)
 *   .invariant("enough", "There is not enough in stock", ({ stock }) => stock.available >= 0)
 *   .does(({ order, stock }, now: Date) => { order.confirm(now); stock.reserve(order.quantity); });
 * allocate({ order, stock }, clock.now());
 */
export function domainService<const P extends Parts>(name: string, parts: P): DomainServiceBuilder<P> {
  const own: DomainServiceDefinition = { kind: "domainService", name, parts, invariants: [], preconditions: [] };
  return new ServiceBuilder(own) as unknown as DomainServiceBuilder<P>; // rules are kept without their types
}

class ServiceBuilder {
  readonly #own: DomainServiceDefinition;

  constructor(own: DomainServiceDefinition) {
    this.#own = own;
  }

  precondition(code: string, message: string, holds: Invariant["holds"]): ServiceBuilder {
    const { preconditions } = this.#own;
    return new ServiceBuilder({ ...this.#own, preconditions: [...preconditions, { code, message, holds }] });
  }

  invariant(code: string, message: string, holds: Invariant["holds"]): ServiceBuilder {
    const { invariants } = this.#own;
    return new ServiceBuilder({ ...this.#own, invariants: [...invariants, { code, message, holds }] });
  }

  does(steps: (parts: object, ...input: unknown[]) => unknown): Element {
    const own = this.#own;
    const service = (parts: Readonly<Record<string, unknown>>, ...input: unknown[]): unknown =>
      AggregateRoot.together(own.name, [...new Set(rootsOf(own, parts))], () => {
        checkPreconditions(own, own.preconditions, parts);
        const result = steps(parts, ...input);
        checkInvariants(own, own.invariants, parts);
        return result;
      });
    return Object.defineProperty(Object.assign(service, { [definition]: own }), "name", { value: own.name });
  }
}

function rootsOf({ name, parts }: DomainServiceDefinition, given: Readonly<Record<string, unknown>>): AggregateRoot[] {
  return Object.entries(parts).map(([part, aggregate]) => {
    const root = given?.[part];
    if (root instanceof AggregateRoot && definitionOfRoot(root) === aggregate[definition]) return root;
    throw new NereusError(
      "VALIDATION_FAILED",
      `${name} was called without an ${aggregate[definition].name} as ${part}`,
      {
        element: name,
        fix: `Pass { ${Object.keys(parts).join(", ")} }.`,
      },
    );
  });
}
