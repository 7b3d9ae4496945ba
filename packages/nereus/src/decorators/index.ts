export { Aggregate, type AggregateDecoratorOptions, type DecoratedBase } from "./aggregate.ts";
export type { Decorators, InstanceOptions, Making, Plain, Receiving } from "./class-decorators.ts";
export { decorators } from "./decorators.ts";
export type { DecoratesClass, DecoratesMethod } from "./marks.ts";
export { type AnyEventContext, apply, handle, invariant, on, precondition, read } from "./method-decorators.ts";
export { type Registry, type RegistryOptions, registry, subscriberOf } from "./registry.ts";
