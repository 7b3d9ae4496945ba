import { inspect } from "node:util";
import {
  changedOutside,
  type LockReason,
  locked,
  missingApplier,
  raisedInsideApply,
  raisedTwice,
  refuseUndeclared,
} from "./aggregate-faults.ts";
import { ChangeScope, type Level } from "./change-scope.ts";
import { definition, type Element, redefine } from "./element.ts";
import { brokenEntityRules } from "./entity.ts";
import type { ModelFault } from "./errors.ts";
import { NereusError } from "./errors.ts";
import { refuseFaulty } from "./faulty.ts";
import type { ShapeWithout } from "./field.ts";
import { canTransition, refuseRedeclared, Scoped, valuesOf } from "./fields-of.ts";
import { brokenInvariants, checkPreconditions, type Invariant, invariantError, type Whose } from "./invariant.ts";
import { type EventClass, isRaised, messageDefinition, setRaised } from "./message.ts";
import { type Refusing, refusal } from "./refuse.ts";
import type { CompiledShape } from "./shape.ts";
import type { Values } from "./values.ts";

/** One event of an aggregate, and what it does to the state. */
export interface Applier {
  readonly event: EventClass;
  readonly apply: (state: never, event: never) => unknown;
  /** The function as its author wrote it, where `apply` only calls that. */
  readonly written?: unknown;
}

export interface AggregateOptions {
  /** Append, with every save, an event that carries the whole state, to a stream of its own. Default: false. */
  readonly factEvents?: boolean;
  /**
   * Keep a snapshot of the state every so many events, so that an aggregate with a long history loads in bounded time: the latest snapshot, then the
   * events after it. It is written after the commit, and changes only what loading costs. One that another shape or other `.applies` handlers
   * made is ignored. Default: none are kept.
   */
  readonly snapshotEvery?: number;
  /**
   * Another number makes the snapshots so far be ignored: for when functions or values have changed that the `.applies` handlers use. (What the
   * handlers themselves say is noticed.) Default: 1.
   */
  readonly snapshotVersion?: number;
}

/** Options of a state-stored aggregate. `K`: the names of its fields. */
export interface StateStoredOptions<K extends string = string> {
  /** Append, with every save, an event that carries the whole state, to a stream of its own. Default: false. */
  readonly factEvents?: boolean;
  /** Lists of fields that queries select or order by: `[["category", "name"]]`. */
  readonly indexes?: readonly (readonly K[])[];
  /**
   * Lists of fields whose values, together, only one stored aggregate (of a tenant) may have: `[["sku"]]`. The store holds
   * commands to it (`UNIQUE_VIOLATED`). A field that is null or absent leaves its list without effect.
   */
  readonly unique?: readonly (readonly K[])[];
}

/** The definition behind an aggregate's class. */
export interface AggregateDefinition<EventSourced extends boolean = boolean> {
  readonly kind: "aggregate";
  readonly name: string;
  readonly eventSourced: EventSourced;
  readonly shape: CompiledShape;
  readonly options: AggregateOptions & StateStoredOptions;
  /** By event name: for event-sourced aggregates with what it does, for state-stored ones only that it may be raised. */
  readonly appliers: ReadonlyMap<string, Applier>;
  readonly invariants: readonly Invariant[];
  readonly preconditions: readonly Invariant[];
  /** What is wrong with it besides its shape. */
  readonly faults: readonly ModelFault[];
}

/** Any aggregate's class. */
export interface AggregateClass<A = unknown, EventSourced extends boolean = boolean> extends Element<"aggregate"> {
  readonly [definition]: AggregateDefinition<EventSourced>;
  readonly prototype: A;
}

/** A shape without the names that every aggregate has. */
export type AggregateShape = ShapeWithout<keyof AggregateInstance<unknown>>;

/** What every aggregate has besides its fields. */
export interface AggregateInstance<Ev> extends Refusing {
  /** The version of the aggregate; -1 before anything happened to it. */
  readonly version: number;
  /** Events raised and not saved yet, in order. */
  readonly pendingEvents: readonly Ev[];
  /** Whether a status field may go to a state now. @throws NereusError UNKNOWN_FIELD for a field that is no status */
  canTransitionTo<K extends keyof this>(field: K, state: this[K]): boolean;
  /** The fields in the form that JSON carries. */
  toJSON(): Record<string, unknown>;
  /**
   * Several steps as one: rules are checked at the end of the outermost block, and if anything fails, state, version
   * and pending events are as before it.
   */
  change<T>(steps: () => T): T;
  /**
   * Records that something happened, atomically: if a rule fails, state, version and pending events are as before.
   *
   * @throws NotImplementedError APPLY_HANDLER_MISSING for an event that the aggregate does not list
   * @throws ValidationError INVARIANT_FAILED naming every rule that fails
   */
  raise(event: Ev): void;
}

/** A raised event with its place in the order of all events raised in this process. */
export interface Pending {
  readonly event: object;
  readonly order: number;
}

/** The message that an aggregate was last brought up to. */
export interface LastMessage {
  readonly version: number;
  readonly id: string | undefined;
}

/** A change under way, and how everything was before it. */
interface Begun {
  readonly level: Level;
  readonly version: number;
  readonly pending: number;
  readonly mode: ChangeScope["mode"];
}

let raisedSoFar = 0;

/** How many events were raised in this process: the place of the next one in their order. */
export function raisedCount(): number {
  return raisedSoFar;
}

/** What both kinds of aggregate share: fields, version, pending events, and changes that happen wholly or not at all. */
export class AggregateRoot extends Scoped {
  #version = -1;
  /** The id of the last stored message that it was made of, by which its stream is known. */
  #lastMessage: string | undefined;
  #pending: Pending[] = [];
  #depth = 0;
  /** Why it may not change, if it may not. */
  #locked: LockReason | undefined;

  constructor(values: Values, own: AggregateDefinition) {
    refuseFaulty(own.faults);
    const scope = new ChangeScope(own, (write, field) => this.#outside(write, field));
    super(values, scope);
    own.shape.attach(values, scope);
  }

  static invariant(code: string, message: string, holds: Invariant["holds"]): unknown {
    const own = (this as unknown as AggregateClass)[definition];
    return redefine(this, { ...own, invariants: [...own.invariants, { code, message, holds }] });
  }

  static precondition(code: string, message: string, holds: Invariant["holds"]): unknown {
    const own = (this as unknown as AggregateClass)[definition];
    return redefine(this, { ...own, preconditions: [...own.preconditions, { code, message, holds }] });
  }

  get version(): number {
    return this.#version;
  }

  get pendingEvents(): readonly object[] {
    return this.#pending.map(({ event }) => event);
  }

  raise(event: object): void {
    const own = definitionOfRoot(this);
    const kind = messageDefinition(event, "event");
    const applier = own.appliers.get(kind?.name ?? "");
    if (applier === undefined || applier.event[definition] !== kind) throw missingApplier(own, event);
    if (isRaised(event)) throw raisedTwice(own.name, kind.name);
    if (Scoped.scopeOf(this).mode !== "closed" && own.eventSourced) throw raisedInsideApply(own.name);
    this.#atomically((level) => {
      if (own.eventSourced) {
        const held = Object.keys(this);
        const returned = this.#recording(() => applier.apply(this as never, event as never));
        assertSynchronous(own.name, "an .applies handler", returned);
        if (applier.written === applier.apply) refuseUndeclared(own.name, this, held);
        Scoped.scopeOf(this).settle(level);
        this.#version += 1;
      }
      setRaised(event, true);
      this.#pending.push({ event, order: raisedSoFar++ });
    });
  }

  change<T>(steps: () => T): T {
    return this.#atomically(steps);
  }

  refuse(code: string, message: string, path?: string): never {
    throw refusal(definitionOfRoot(this).name, aggregateIdentity(this), { code, message, path });
  }

  #atomically<T>(steps: (level: Level) => T): T {
    const begun = this.#begin();
    try {
      const result = steps(begun.level);
      assertSynchronous(definitionOfRoot(this).name, "the steps of change()", result);
      this.#conclude(begun);
      return result;
    } catch (error) {
      this.#takeBack(begun);
      throw error;
    } finally {
      this.#end(begun);
    }
  }

  /** One change of several aggregates: it happens to all of them, or to none. */
  static together<T>(name: string, roots: readonly AggregateRoot[], steps: () => T): T {
    const begun: (readonly [AggregateRoot, Begun])[] = [];
    try {
      for (const root of roots) begun.push([root, root.#begin()]);
      const result = steps();
      assertSynchronous(name, "it", result);
      for (const [root, change] of begun) root.#conclude(change);
      return result;
    } catch (error) {
      ChangeScope.rollbackAll(begun.map(([root, { level }]) => ({ scope: Scoped.scopeOf(root), mark: level.mark })));
      for (const [root, change] of begun) root.#takeBack(change);
      throw error;
    } finally {
      for (const [root, change] of begun) root.#end(change);
    }
  }

  #begin(): Begun {
    const own = definitionOfRoot(this);
    if (this.#locked !== undefined) throw locked(own.name, this.#locked);
    refuseRedeclared(this, own.shape);
    const isNew = own.eventSourced && this.#version === -1; // there is no state yet
    if (this.#depth === 0 && !isNew) checkPreconditions(this.#whose(own), own.preconditions, this);
    const scope = Scoped.scopeOf(this);
    const begun = { level: scope.begin(), version: this.#version, pending: this.#pending.length, mode: scope.mode };
    if (!own.eventSourced) scope.mode = "recording";
    this.#depth += 1;
    return begun;
  }

  #conclude({ level, version }: Begun): void {
    if (this.#depth === 1) this.#verify(level, version === -1);
  }

  #takeBack({ level, version, pending }: Begun): void {
    Scoped.scopeOf(this).rollback(level);
    this.#version = version;
    this.#dropPending(pending);
  }

  #end({ level, mode }: Begun): void {
    const scope = Scoped.scopeOf(this);
    scope.end(level);
    scope.mode = mode;
    this.#depth -= 1;
  }

  canTransitionTo(field: string, state: unknown): boolean {
    return canTransition(this, definitionOfRoot(this).shape, field, state);
  }

  toJSON(): Values {
    const { shape } = definitionOfRoot(this);
    return shape.known(shape.encode(valuesOf(this)));
  }

  #recording<T>(steps: () => T): T {
    const scope = Scoped.scopeOf(this);
    const former = scope.mode;
    scope.mode = "recording";
    try {
      return steps();
    } finally {
      scope.mode = former;
    }
  }

  /** A write from outside a change: a change of its own, or refused where only events change the state. */
  #outside(write: () => void, field: string): void {
    const own = definitionOfRoot(this);
    if (this.#locked !== undefined) throw locked(own.name, this.#locked);
    if (own.eventSourced) throw changedOutside(own.name, field);
    this.change(write);
  }

  #whose({ name }: AggregateDefinition): Whose {
    return { name, identity: () => aggregateIdentity(this) };
  }

  /** Events that were taken back may be raised again. */
  #dropPending(kept: number): void {
    for (const { event } of this.#pending.splice(kept)) setRaised(event, false);
  }

  #verify(level: Level, wasNew: boolean): void {
    const scope = Scoped.scopeOf(this);
    scope.seal(level, wasNew);
    const own = definitionOfRoot(this);
    const issues = scope.judge(() => brokenInvariants(own.invariants, this, []));
    if (own.shape.relations.length > 0) issues.push(...scope.judge(() => brokenEntityRules(this, own.shape, [])));
    if (issues.length > 0) throw invariantError(this.#whose(own), issues);
  }

  /** @internal The seams for the unit of work; not part of the public API. */
  static readonly seams: AggregateSeams = {
    pending: (root) => root.#pending,
    saved: (root, version, lastMessage) => {
      root.#pending = [];
      root.#version = version;
      root.#lastMessage = lastMessage;
      Scoped.scopeOf(root).clear();
    },
    changed: (root) => Scoped.scopeOf(root).changed,
    undoUnsaved: (root) => {
      Scoped.scopeOf(root).rollback();
      if (definitionOfRoot(root).eventSourced) root.#version -= root.#pending.length;
      root.#dropPending(0);
    },
    lastMessage: (root) => root.#lastMessage,
    stored: (root) => definitionOfRoot(root).shape.encode(valuesOf(root)),
    replay: (root, last, apply) => {
      Scoped.scopeOf(root).mode = "replaying";
      try {
        apply();
        const { version, id } = last();
        root.#version = version;
        root.#lastMessage = id;
      } finally {
        Scoped.scopeOf(root).mode = "closed";
      }
    },
    applied: (root) => Scoped.scopeOf(root).separate(),
    verify: (root) => root.#verify({ mark: Number.POSITIVE_INFINITY, outer: 0 }, true),
    lock: (root, why) => {
      root.#locked = why;
    },
    unlock: (root) => {
      root.#locked = undefined;
    },
  };
}

Object.defineProperty(AggregateRoot.prototype, inspect.custom, {
  value(this: AggregateRoot, _depth: number, options: object): string {
    const { name } = definitionOfRoot(this);
    return `${name} ${inspect(valuesOf(this), options)} (version ${this.version}, ${this.pendingEvents.length} pending)`;
  },
});

/** What the unit of work and the repositories do with an aggregate that its users cannot. */
export interface AggregateSeams {
  pending(root: AggregateRoot): readonly Pending[];
  /** What was pending is stored; the aggregate is at this version, and this was its last message. */
  saved(root: AggregateRoot, version: number, lastMessage: string | undefined): void;
  /** The id of the last stored message that it was made of; undefined where there is none, or it is not known. */
  lastMessage(root: AggregateRoot): string | undefined;
  /** Its state as a document has it: with what an earlier release has stored in fields that are no more. */
  stored(root: AggregateRoot): Values;
  /** Whether a field was assigned since it was loaded or saved. */
  changed(root: AggregateRoot): boolean;
  /** Takes everything back that was not saved. */
  undoUnsaved(root: AggregateRoot): void;
  /** Runs apply handlers without checks and journal; the last message is asked for at the end. */
  replay(root: AggregateRoot, last: () => LastMessage, apply: () => void): void;
  /** One event of a replay was applied. */
  applied(root: AggregateRoot): void;
  /** @throws ValidationError INVARIANT_FAILED */
  verify(root: AggregateRoot): void;
  /** No change from now on: it is a past state, or its unit of work has ended. */
  lock(root: AggregateRoot, why: LockReason): void;
  unlock(root: AggregateRoot): void;
}

export function definitionOfRoot(root: object): AggregateDefinition {
  return (root.constructor as unknown as AggregateClass)[definition];
}

/** The identity of an aggregate; undefined before it has one. */
export function aggregateIdentity(root: AggregateRoot): string | undefined {
  const value = valuesOf(root)[definitionOfRoot(root).shape.identifier.name];
  return value === undefined ? undefined : String(value);
}

/** A promise, or what acts like one (query builders, promises of another realm). */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/**
 * What is asynchronous would go on after the change has ended, and be lost.
 *
 * @throws NereusError CHANGE_ASYNCHRONOUS
 */
export function assertSynchronous(element: string, what: string, returned: unknown): void {
  if (!isThenable(returned)) return;
  Promise.resolve(returned).catch(() => undefined); // its own failure is of no interest any more
  throw new NereusError("CHANGE_ASYNCHRONOUS", `${element}: ${what} returned a promise`, {
    element,
    fix: "Await first, then change: what changes state must end before it returns.",
  });
}
