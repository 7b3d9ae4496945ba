import {
  type AggregateClass,
  type AggregateDefinition,
  type AggregateInstance,
  type AggregateOptions,
  AggregateRoot,
  type AggregateShape,
  assertSynchronous,
} from "./aggregate-root.ts";
import { define, definition, nameOf, redefine } from "./element.ts";
import { type ModelFault, NereusError } from "./errors.ts";
import { fault } from "./faulty.ts";
import type { Fields, FieldsView, Shape, Shaped, Simplify } from "./field.ts";
import { defineAccessors } from "./fields-of.ts";
import type { EventClass, Named } from "./message.ts";
import { blankAggregate, freezeFields } from "./restoring.ts";
import { CompiledShape } from "./shape.ts";

/** Names that every aggregate has already. */
export const aggregateNames: readonly string[] = [
  "version",
  "pendingEvents",
  "raise",
  "change",
  "canTransitionTo",
  "refuse",
  "toJSON",
];

/** The class that `EventSourcedAggregate` returns, to extend. `Ev` is the union of the events it applies. */
export interface EventSourcedBase<N extends string, S extends Shape, Ev> {
  readonly [definition]: AggregateDefinition<true>;
  new (): Simplify<FieldsView<S>> & AggregateInstance<Ev> & Named<N> & Shaped<S>;
  /** A new aggregate: `build` raises its first events. */
  create<A>(this: new () => A, build: (aggregate: A) => void): A;
  /** Makes an event part of the aggregate, and says what it does to the state, when raised and when replayed. */
  applies<E>(
    event: EventClass<E>,
    apply: (state: Simplify<Fields<S>>, event: E) => void,
  ): EventSourcedBase<N, S, Ev | E>;
  /** A rule that holds after every change: its code, what to tell the caller, and the test. */
  invariant(
    code: string,
    message: string,
    holds: (state: Simplify<FieldsView<S>>) => boolean,
  ): EventSourcedBase<N, S, Ev>;
  /** A rule that has to hold before a change, from the second event on: its code, what to tell the caller, and the test. */
  precondition(
    code: string,
    message: string,
    holds: (state: Simplify<FieldsView<S>>) => boolean,
  ): EventSourcedBase<N, S, Ev>;
}

/**
 * A class of aggregates whose state is what its events made it.
 *
 * The fields can be assigned only in the handlers given to `.applies`; methods decide and `raise`, or `this.refuse(code, message)`.
 *
 * @param name the category of its streams: explicit, so that renaming or minifying the class changes nothing
 * @param shape a schema per field, one of them `identifier()`
 * @example
 * class Account extends EventSourcedAggregate("Account", { accountId: identifier(), balance: z.number().default(0) })
 *   .applies(AccountOpened, (account, event) => { account.accountId = event.accountId; })
 *   .applies(MoneyWithdrawn, (account, event) => { account.balance -= event.amount; })
 *   .invariant("balance", "Insufficient funds", (account) => account.balance >= 0) {
 *   withdraw(amount: number) { this.raise(new MoneyWithdrawn({ accountId: this.accountId, amount })); }
 * }
 */
export function EventSourcedAggregate<const N extends string, S extends AggregateShape>(
  name: N,
  shape: S,
  options: AggregateOptions = {},
): EventSourcedBase<N, S, never> {
  const compiled = new CompiledShape(name, shape, { reserved: aggregateNames });
  const own: AggregateDefinition = {
    kind: "aggregate",
    name,
    eventSourced: true,
    shape: compiled,
    options,
    appliers: new Map(),
    invariants: [],
    preconditions: [],
    faults: [],
  };
  const fields = class extends EventSourcedRoot {};
  defineAccessors(fields.prototype, compiled);
  return define(fields, own) as unknown as EventSourcedBase<N, S, never>; // fields are known at run time only
}

class EventSourcedRoot extends AggregateRoot {
  constructor(...unexpected: unknown[]) {
    const own = (new.target as unknown as AggregateClass)[definition];
    if (unexpected.length > 0) throw constructedWithState(own.name);
    super(own.shape.blank(), own);
  }

  static create(build: (aggregate: AggregateRoot) => void): AggregateRoot {
    const root = blankAggregate(this as unknown as AggregateClass);
    freezeFields(root);
    assertSynchronous(
      (this as unknown as AggregateClass)[definition].name,
      "create's function",
      build(root) as unknown,
    );
    return root;
  }

  static applies(event: EventClass, apply: (state: never, event: never) => void, written: unknown = apply): unknown {
    const own = (this as unknown as AggregateClass)[definition];
    const name = nameOf(event);
    if (own.appliers.has(name))
      return redefine(this, { ...own, faults: [...own.faults, appliedAgain(own.name, name)] });
    return redefine(this, { ...own, appliers: new Map([...own.appliers, [name, { event, apply, written }]]) });
  }
}

function constructedWithState(name: string): NereusError {
  return new NereusError("STATE_CHANGED_OUTSIDE_APPLY", `${name} was constructed with state that no event made`, {
    element: name,
    fix: `Use ${name}.create((it) => it.raise(…)).`,
  });
}

function appliedAgain(aggregate: string, event: string): ModelFault {
  return fault("EVENT_APPLIED_TWICE", aggregate, `it has two .applies for ${event}`, "Keep one of them.");
}
