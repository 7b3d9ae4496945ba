import type { Selection } from "../application/selection.ts";
import type { SendOptions } from "../application/send-options.ts";
import type { Domain } from "../domain/domain.ts";
import type { DomainProcessOptions, TenantOptions } from "../domain/domain-options.ts";
import type { OptionsOf, Tenancy } from "../domain/tenancy.ts";
import type { AggregateClass } from "../model/aggregate-root.ts";
import type { ProjectionClass } from "../model/projection.ts";
import type { State, Whole } from "./expected-values.ts";
import type { AnyAggregate, CommandInstance, EventInstance, EventOf, QueryInstance } from "./instances.ts";
import type { Done, DoneWith } from "./misfit.ts";
import type { Seed, SeedOptions } from "./seed.ts";

declare const notAwaited: unique symbol;

/** What events can be expected of. A scenario is no subtype of it, so that `await` goes by the other form of `then`. */
interface Assertable {
  thenNothing(): unknown;
  readonly [notAwaited]?: never;
}

/**
 * What was done last, and what is expected of it. One expectation may follow another; `await` the last one, and all of it
 * runs once, in order. It resolves to the answer of what was done last.
 *
 * It begins at once, like any promise: without `await`, a failed expectation is an unhandled rejection, which fails the run. What
 * several tests share is therefore `given(…)`, which waits for what is done with it.
 */
export interface Then<R, E> extends Promise<R> {
  /** That it is accepted and appends exactly these events, in this order. */
  then(this: Assertable, ...events: readonly E[]): this;
  /** How `await` works. */
  then<A = R, B = never>(
    onfulfilled?: ((value: R) => A | PromiseLike<A>) | null,
    onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B>;
  /** That it is accepted and appends no event. */
  thenNothing(): this;
  /**
   * That it is refused, and appends nothing.
   *
   * @param textOrCode a part of the message, the code of the error, or the code of one of its issues, such as the name of an
   *   invariant or what was given to `refuse`
   */
  thenRejected(textOrCode: string): this;
  /** That it is accepted and answers this, and nothing else. */
  thenResult(result: Whole<R>): this;
}

/** What rows can be expected, whatever was done. A row is compared in what is named of it. */
interface RowsOfDomain {
  /** That a projection shows a row with these fields, once everything has settled. */
  thenRow<Row extends object>(
    projection: ProjectionClass<Row>,
    id: string,
    row: NoInfer<State<Row>>,
    options?: TenantOptions,
  ): this;
  /** That a projection shows no such row. */
  thenNoRow(projection: ProjectionClass, id: string, options?: TenantOptions): this;
  /** That a projection shows exactly these rows: all of them by identity, or those of a selection in its order. */
  thenRows<Row extends object>(
    projection: ProjectionClass<Row>,
    rows: readonly NoInfer<State<Row>>[],
    selection?: Selection<Row> & TenantOptions,
  ): this;
}

/** What can be done next in a domain. */
interface ActsOfDomain<T extends Tenancy> {
  /** A command is processed. Given events without a tenant are of its tenant. */
  when<R>(command: CommandInstance<R>, ...options: OptionsOf<T, DomainProcessOptions>): When<R, T>;
  /**
   * A query is asked, once async projections show what happened before. `thenResult` is about its answer.
   *
   * @example .when(new FindAccounts({ holder: "Ada" })).thenResult([{ accountId: "1", holder: "Ada", balance: 100 }])
   */
  when<R>(query: QueryInstance<R>, ...options: OptionsOf<T, TenantOptions>): When<R, T>;
  /**
   * Anything else is done: a use case is called, a message delivered. `then` is about what it appends. With a
   * tenant, rows and states are looked for among that one's.
   *
   * @example .when((shop) => shop.service(signup).register("ada@example.org")).then(new CustomerRegistered({ … }))
   */
  when<R>(act: (domain: Domain<T>) => R, ...options: OptionsOf<T, TenantOptions>): When<Awaited<R>, T>;
  /** An event happens, whatever aggregate raised it: its handlers run, inline and async ones. `then` is what they do. */
  when(event: EventInstance, ...options: OptionsOf<T, SeedOptions>): When<void, T>;
  /** Never fits: it says what is wrong where none of the others does. */
  when<W>(what: Done<W, T>): never;
  /** Never fits either. */
  when<W, O extends DoneWith<W, O, T>>(what: W, options: O): never;
}

/** What happened before in a domain. To await it alone stores it, and nothing else is done. */
export interface Given<T extends Tenancy = "optional"> extends PromiseLike<void>, ActsOfDomain<T> {
  /** That a projection shows a row with these fields, once everything has settled. */
  thenRow<Row extends object>(
    projection: ProjectionClass<Row>,
    id: string,
    row: NoInfer<State<Row>>,
    ...options: OptionsOf<T, TenantOptions>
  ): When<void, T>;
  /** That a projection shows no such row. */
  thenNoRow(projection: ProjectionClass, id: string, ...options: OptionsOf<T, TenantOptions>): When<void, T>;
  /** That a projection shows exactly these rows: all of them by identity, or those of a selection in its order. */
  thenRows<Row extends object>(
    projection: ProjectionClass<Row>,
    rows: readonly NoInfer<State<Row>>[],
    ...selection: OptionsOf<T, Selection<Row> & TenantOptions>
  ): When<void, T>;
}

/**
 * A command, query or event under test in a domain. `then` is about its own commit: for an event, about what the handlers of events
 * appended. What sent commands lead to later is for `thenEventually`.
 */
export interface When<R, T extends Tenancy = "optional"> extends Then<R, EventInstance>, RowsOfDomain, ActsOfDomain<T> {
  /** That the aggregate it is addressed to (or that it made) has these field values afterwards. */
  thenState<A extends object>(aggregate: AggregateClass<A>, state: NoInfer<State<A>>): this;
  /** That any aggregate has these field values afterwards. */
  thenState<A extends object>(aggregate: AggregateClass<A>, id: string, state: NoInfer<State<A>>): this;
  /**
   * That, once the handlers of events have run, exactly these commands were sent, in this order; with options, also how: at which
   * moment, for example.
   *
   * @example .thenSent(new CloseCase({ caseId: "1" }), [new Remind({ caseId: "1" }), { at: new Date("2026-12-01") }])
   */
  thenSent(...commands: readonly (CommandInstance | readonly [CommandInstance, SendOptions])[]): this;
  /** That, once everything has settled, exactly these events were appended after its own, in this order. */
  thenEventually(...events: readonly EventInstance[]): this;
}

type Only<A extends readonly unknown[]> = A extends readonly [infer One] ? One : never;
type Single<A extends readonly unknown[], R> = [R] extends [never] ? Only<A> : R extends AnyAggregate ? R : Only<A>;

/** Aggregates as they are before; no store and no domain. */
export interface AggregateGiven<A extends readonly unknown[], E> {
  /** What is done with them, as one unit of work: if it fails, it is taken back. A new aggregate is returned. */
  when<R>(act: (...aggregates: A) => R): AggregateWhen<A, E, Awaited<R>>;
}

/** What is done with aggregates, under test. `then` is about what they raise, and what a returned new one has raised. */
export interface AggregateWhen<A extends readonly unknown[], E, R>
  extends Then<R, E | (R extends AnyAggregate ? EventOf<R> : never)>,
    AggregateGiven<A, E> {
  /** That the aggregate (the new one, if one was returned) has these field values afterwards. */
  thenState(state: State<Single<A, R>>): this;
  /** That one of several aggregates has these field values afterwards. */
  thenState<One extends AnyAggregate>(aggregate: One, state: NoInfer<State<One>>): this;
}

/** What a projector has seen before; no store and no domain. */
export interface ProjectorGiven<Row> {
  /** An event that it sees next. */
  when(event: EventInstance | Seed): ProjectorWhen<Row>;
  /** That it has made a row with these fields. */
  thenRow(id: string, row: State<Row>, options?: TenantOptions): ProjectorWhen<Row>;
  /** That there is no such row. */
  thenNoRow(id: string, options?: TenantOptions): ProjectorWhen<Row>;
  /** That it has made exactly these rows, by identity. */
  thenRows(rows: readonly State<Row>[], options?: TenantOptions): ProjectorWhen<Row>;
}

/** A projector, after an event. */
export interface ProjectorWhen<Row> extends ProjectorGiven<Row>, Promise<void> {
  /** That the projector fails at the event: a part of the message, or a code. */
  thenRejected(textOrCode: string): ProjectorWhen<Row>;
}
