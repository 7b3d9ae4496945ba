import {
  type AggregateClass,
  type AggregateDefinition,
  type AggregateInstance,
  AggregateRoot,
  type AggregateShape,
  type Applier,
  type StateStoredOptions,
} from "./aggregate-root.ts";
import { define, definition, nameOf, redefine } from "./element.ts";
import { stored } from "./entity.ts";
import { aggregateNames } from "./event-sourced-aggregate.ts";
import type { EntityInput, Fields, FieldsView, Shape, Shaped, Simplify } from "./field.ts";
import { defineAccessors } from "./fields-of.ts";
import { frozenCopy } from "./freeze.ts";
import type { EventClass, Named } from "./message.ts";
import { CompiledShape } from "./shape.ts";
import type { Values } from "./values.ts";

type Raised<C extends readonly EventClass[]> = C[number] extends EventClass<infer E> ? E : never;

/** The class that `Aggregate` returns, to extend. `Ev` is the union of the events it raises. */
export interface AggregateBase<N extends string, S extends Shape, Ev> {
  readonly [definition]: AggregateDefinition<false>;
  new (input: EntityInput<S>): Simplify<Fields<S>> & AggregateInstance<Ev> & Named<N> & Shaped<S>;
  /** Lists events that the aggregate may raise; they are appended in the transaction that saves it. */
  raises<C extends readonly EventClass[]>(...events: C): AggregateBase<N, S, Ev | Raised<C>>;
  /** A rule that holds after construction and every change: its code, what to tell the caller, and the test. */
  invariant(code: string, message: string, holds: (state: Simplify<FieldsView<S>>) => boolean): AggregateBase<N, S, Ev>;
  /** A rule that has to hold before a change: its code, what to tell the caller, and the test. */
  precondition(
    code: string,
    message: string,
    holds: (state: Simplify<FieldsView<S>>) => boolean,
  ): AggregateBase<N, S, Ev>;
}

/**
 * A class of aggregates whose state is stored as it is. Assignments are checked against the field's schema and the
 * rules, and taken back if they break one; `change(() => { … })` checks several together.
 *
 * @throws ValidationError VALIDATION_FAILED or INVARIANT_FAILED from the constructor and from assignments
 * @example
 * class Product extends Aggregate("Product", { productId: identifier(), name: z.string().max(100) }).raises(ProductRenamed) {
 *   rename(name: string) { this.name = name; this.raise(new ProductRenamed({ productId: this.productId, name })); }
 * }
 */
export function Aggregate<const N extends string, S extends AggregateShape>(
  name: N,
  shape: S,
  options: StateStoredOptions<keyof S & string> = {},
): AggregateBase<N, S, never> {
  const compiled = new CompiledShape(name, shape, { reserved: aggregateNames, generatesIdentity: true });
  const own: AggregateDefinition = {
    kind: "aggregate",
    name,
    eventSourced: false,
    shape: compiled,
    options,
    appliers: new Map(),
    invariants: [],
    preconditions: [],
    faults: [],
  };
  const fields = class extends StateStoredRoot {};
  defineAccessors(fields.prototype, compiled);
  return define(fields, own) as unknown as AggregateBase<N, S, never>; // fields are known at run time only
}

class StateStoredRoot extends AggregateRoot {
  constructor(input: unknown, origin?: typeof stored) {
    const own = (new.target as unknown as AggregateClass)[definition];
    const { shape } = own;
    const values = origin === stored ? (input as Values) : shape.parse(input);
    for (const { name } of shape.deep) values[name] = frozenCopy(values[name]);
    super(values, own);
    if (origin === stored) return;
    try {
      AggregateRoot.seams.verify(this);
    } catch (error) {
      shape.free(values);
      throw error;
    }
  }

  static raises(...events: readonly EventClass[]): unknown {
    const own = (this as unknown as AggregateClass)[definition];
    const raised = events.map((event): [string, Applier] => [nameOf(event), { event, apply: () => undefined }]);
    return redefine(this, { ...own, appliers: new Map([...own.appliers, ...raised]) });
  }
}
