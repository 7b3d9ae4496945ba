import type { Domain } from "../domain/domain.ts";
import type { DomainProcessOptions, TenantOptions } from "../domain/domain-options.ts";
import type { OfTenant, Tenancy } from "../domain/tenancy.ts";
import type { AggregateClass } from "../model/aggregate-root.ts";
import type { Element } from "../model/element.ts";
import type { AnyAggregate, CommandInstance, EventInstance, EventOf, QueryInstance } from "./instances.ts";
import type { Before, Seed, SeedOptions } from "./seed.ts";

// Of a call that fits no overload, the compiler reports the last one. These are the types of last ones that never fit: what is
// wrong is a sentence there, and what is right is itself, or `never` where nothing is wrong, since another overload is for it.

/** A place that infers `T`, whatever is asked of it. */
type Inferred<T, Wanted> = [T] extends [never] ? T : Wanted;

type Start = Domain<Tenancy> | AggregateClass | Element<"projector"> | AnyAggregate;
type NoStart = "given(…) begins with a domain, an aggregate (its class, or in hand), or a projector";

/** What `given` takes alone. */
export type Alone<F> = Inferred<F, F extends Start ? never : NoStart>;

/** What `given` takes first. */
export type First<F> = F extends Start ? F : NoStart;

/** What else it takes, by what it begins with. */
export type Beside<F, R> =
  F extends Domain<Tenancy>
    ? Each<R, Before, "given(domain, …) takes events, aggregates in hand, and seed(…)">
    : F extends AggregateClass<infer A, true>
      ? Each<R, EventOf<A>, "given(Class, …) takes events that the aggregate lists with .applies">
      : F extends AggregateClass & (new (input: infer I) => unknown)
        ? readonly [fields: NewFields<R, I>]
        : F extends AnyAggregate
          ? Each<R, AnyAggregate, "given(aggregate, …) takes further aggregates in hand">
          : Each<R, EventInstance | Seed, "given(projector, …) takes events and seed(…)">;

type Each<R, Fitting, Fault> = {
  readonly [I in keyof R]: R extends readonly Fitting[] ? never : R[I] extends Fitting ? R[I] : Fault;
} & readonly unknown[];

type NewFields<R, I> = I & {
  readonly [K in Exclude<KeysOf<R>, keyof I>]: "given(Class, { … }) takes fields of the aggregate";
};

type KeysOf<R> = R extends readonly [infer Fields] ? keyof Fields : never;

/** What a domain can be made to do, alone. */
export type Done<W, T extends Tenancy> = Inferred<
  W,
  W extends CommandInstance | QueryInstance | EventInstance | Act
    ? "required" extends T
      ? "when(…) says of which tenant, as the domain requires it: when(…, { tenant: … })"
      : never
    : W extends Element
      ? "when(…) takes an instance: new OpenAccount({ … })"
      : "when(…) takes a command, a query, an event, or a function of the domain: (domain) => domain.service(…)"
>;

type Act = (domain: never) => unknown;

/** What is said about it. */
export type DoneWith<W, O, T extends Tenancy> = OfTenant<T> &
  (W extends CommandInstance
    ? Known<O, DomainProcessOptions & OfTenant<T>>
    : W extends QueryInstance | Act
      ? Known<O, TenantOptions & OfTenant<T>>
      : W extends EventInstance
        ? Known<O, SeedOptions & OfTenant<T>>
        : {
            readonly [K in keyof O]: "when(…) takes options of a command, a query, an event or a function of the domain";
          });

type Known<O, Options> = {
  readonly [K in keyof O]: K extends keyof Options
    ? O extends Options
      ? Exclude<keyof O, keyof Options> extends never
        ? never
        : O[K]
      : Options[K]
    : "when(…) has no such option";
};
