export { Aggregate, type AggregateDecoratorOptions, type DecoratedBase } from "./aggregate.ts";
export {
  type AnyEventContext,
  apply,
  type Decorators,
  decorators,
  type InstanceOptions,
  invariant,
  precondition,
} from "./decorators.ts";
export type { DecoratesClass, DecoratesMethod } from "./marks.ts";
