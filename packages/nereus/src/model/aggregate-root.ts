import { inspect } from "node:util";
import { ChangeScope } from "./change-scope.ts";
import { definition, type Element } from "./element.ts";
import { brokenEntityRules, stored } from "./entity.ts";
import { NereusError, NotImplementedError } from "./errors.ts";
import { refuseRedeclared, scopeIn, setState, valuesOf } from "./fields-of.ts";
import { copyOf, deepFreeze } from "./freeze.ts";
import { brokenInvariants, type Invariant, invariantError } from "./invariant.ts";
import { type EventClass, messageDefinition } from "./message.ts";
import type { CompiledShape } from "./shape.ts";
import type { Values } from "./values.ts";

/** One event of an aggregate, and what it does to the state. */
export interface Applier {
  readonly event: EventClass;
  readonly apply: (state: never, event: never) => void;
}

export interface AggregateOptions {
  /** Append, with every save, an event that carries the whole state, to a stream of its own. Default: false. */
  readonly factEvents?: boolean;
  /** Keep a snapshot every so many events. It never changes a result, only the cost of loading. */
  readonly snapshotEvery?: number;
}

/** The definition behind an aggregate's class. */
export interface AggregateDefinition {
  readonly kind: "aggregate";
  readonly name: string;
  readonly eventSourced: boolean;
  readonly shape: CompiledShape;
  readonly options: AggregateOptions;
  /** By event name: for event-sourced aggregates with what it does, for state-stored ones only that it may be raised. */
  readonly appliers: Map<string, Applier>;
  readonly invariants: Invariant[];
}

/** Any aggregate's class. */
export interface AggregateClass<A = unknown> extends Element<"aggregate"> {
  readonly [definition]: AggregateDefinition;
  readonly prototype: A;
}

/** What every aggregate has besides its fields. */
export interface AggregateInstance<Ev> {
  /** The version of the aggregate; -1 before anything happened to it. */
  readonly version: number;
  /** Events raised and not saved yet, in order. */
  readonly pendingEvents: readonly Ev[];
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

let raisedSoFar = 0;

/** What both kinds of aggregate share: fields, version, pending events, and changes that happen wholly or not at all. */
export class AggregateRoot {
  #version = -1;
  #pending: Pending[] = [];
  #depth = 0;
  #readOnly = false;

  constructor(values: Values) {
    const own = definitionOfRoot(this);
    const scope = new ChangeScope(own.name, (write, field) => this.#outside(write, field));
    setState(this, values, scope);
    own.shape.attach(values, scope);
  }

  static invariant(code: string, message: string, holds: Invariant["holds"]): unknown {
    (this as unknown as AggregateClass)[definition].invariants.push({ code, message, holds });
    return this;
  }

  get version(): number {
    return this.#version;
  }

  get pendingEvents(): readonly object[] {
    return this.#pending.map(({ event }) => event);
  }

  raise(event: object): void {
    const own = definitionOfRoot(this);
    const applier = own.appliers.get(messageDefinition(event, "event")?.name ?? "");
    if (applier === undefined) throw missingApplier(own, event);
    if (scopeIn(this).mode !== "closed" && own.eventSourced) throw raisedInsideApply(own.name);
    this.change(() => {
      if (own.eventSourced) {
        this.#recording(() => applier.apply(this as never, event as never));
        this.#version += 1;
      }
      this.#pending.push({ event, order: raisedSoFar++ });
    });
  }

  change<T>(steps: () => T): T {
    if (this.#readOnly) throw readOnly(definitionOfRoot(this).name);
    const scope = scopeIn(this);
    const before = { mark: scope.mark, version: this.#version, pending: this.#pending.length };
    this.#depth += 1;
    try {
      const result = definitionOfRoot(this).eventSourced ? steps() : this.#recording(steps);
      if (isThenable(result)) throw asynchronousChange(definitionOfRoot(this).name);
      if (this.#depth === 1) this.#verify(before.mark);
      return result;
    } catch (error) {
      scope.rollback(before.mark);
      this.#version = before.version;
      this.#pending.length = before.pending;
      throw error;
    } finally {
      this.#depth -= 1;
    }
  }

  toJSON(): Values {
    return definitionOfRoot(this).shape.encode(valuesOf(this));
  }

  #recording<T>(steps: () => T): T {
    const scope = scopeIn(this);
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
    if (this.#readOnly) throw readOnly(own.name);
    if (own.eventSourced) throw changedOutside(own.name, field);
    this.change(write);
  }

  #verify(mark: number): void {
    scopeIn(this).seal(mark);
    const own = definitionOfRoot(this);
    const issues = brokenInvariants(own.invariants, this, []);
    if (own.shape.relations.length > 0) issues.push(...brokenEntityRules(this, own.shape, []));
    if (issues.length > 0) throw invariantError(own.name, issues);
  }

  /** @internal The seams for the unit of work; not part of the public API. */
  static readonly seams: AggregateSeams = {
    pending: (root) => root.#pending,
    saved: (root, version) => {
      root.#pending = [];
      root.#version = version;
      scopeIn(root).clear();
    },
    changed: (root) => scopeIn(root).mark > 0,
    undoUnsaved: (root) => {
      scopeIn(root).rollback(0);
      if (definitionOfRoot(root).eventSourced) root.#version -= root.#pending.length;
      root.#pending = [];
    },
    replay: (root, version, apply) => {
      scopeIn(root).mode = "replaying";
      try {
        apply();
        root.#version = version();
      } finally {
        scopeIn(root).mode = "closed";
      }
    },
    verify: (root) => root.#verify(scopeIn(root).mark),
    setReadOnly: (root) => {
      root.#readOnly = true;
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
  /** What was pending is stored; the aggregate is at this version. */
  saved(root: AggregateRoot, version: number): void;
  /** Whether a field was assigned since it was loaded or saved. */
  changed(root: AggregateRoot): boolean;
  /** Takes everything back that was not saved. */
  undoUnsaved(root: AggregateRoot): void;
  /** Runs apply handlers without checks and journal; `version` is read at the end. */
  replay(root: AggregateRoot, version: () => number, apply: () => void): void;
  /** @throws ValidationError INVARIANT_FAILED */
  verify(root: AggregateRoot): void;
  setReadOnly(root: AggregateRoot): void;
}

export function definitionOfRoot(root: object): AggregateDefinition {
  return (root.constructor as unknown as AggregateClass)[definition];
}

/** An aggregate without state, to replay events onto. */
export function blankAggregate(aggregate: AggregateClass): AggregateRoot {
  const make = aggregate as unknown as new () => AggregateRoot;
  const root = new make();
  refuseRedeclared(root, aggregate[definition].shape);
  return root;
}

/** A state-stored aggregate from its stored document. */
export function restoreAggregate(aggregate: AggregateClass, wire: Values, version: number): AggregateRoot {
  const make = aggregate as unknown as new (values: Values, origin: typeof stored) => AggregateRoot;
  const root = new make(aggregate[definition].shape.decode(wire), stored);
  refuseRedeclared(root, aggregate[definition].shape);
  AggregateRoot.seams.saved(root, version);
  return root;
}

/** Before events are replayed onto an aggregate that was in use: lists and objects must not be frozen. */
export function thaw(root: AggregateRoot): void {
  for (const { name } of definitionOfRoot(root).shape.deep) valuesOf(root)[name] = copyOf(valuesOf(root)[name]);
}

/** After a replay: what was built up in place is frozen. */
export function freezeFields(root: AggregateRoot): void {
  for (const { name } of definitionOfRoot(root).shape.deep) deepFreeze(valuesOf(root)[name]);
}

/** The identity of an aggregate; undefined before it has one. */
export function aggregateIdentity(root: AggregateRoot): string | undefined {
  const value = valuesOf(root)[definitionOfRoot(root).shape.identifier.name];
  return value === undefined ? undefined : String(value);
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function missingApplier(own: AggregateDefinition, event: object): NereusError {
  const name = messageDefinition(event, "event")?.name ?? event?.constructor?.name ?? String(event);
  const method = own.eventSourced ? "applies" : "raises";
  return new NotImplementedError("APPLY_HANDLER_MISSING", `${own.name} raised ${name} but has no .${method} for it`, {
    element: own.name,
    fix: `Add .${method}(${name}${own.eventSourced ? ", (state, event) => { … }" : ""}) to ${own.name}.`,
  });
}

function changedOutside(element: string, field: string): NereusError {
  return new NereusError("STATE_CHANGED_OUTSIDE_APPLY", `${element}: ${field} was changed outside .applies`, {
    element,
    fix: "Raise an event, and change the field in its .applies handler.",
  });
}

function raisedInsideApply(element: string): NereusError {
  return new NereusError("RAISED_INSIDE_APPLY", `${element} raised an event while another was being applied`, {
    element,
    fix: "Raise from a method; an apply handler also runs in replay and may only change the state.",
  });
}

function asynchronousChange(element: string): NereusError {
  return new NereusError("CHANGE_ASYNCHRONOUS", `${element}: the steps of change() returned a promise`, {
    element,
    fix: "Await first, then change: the steps must end before change() does.",
  });
}

function readOnly(element: string): NereusError {
  return new NereusError("AGGREGATE_READ_ONLY", `${element} was loaded at a past version or time and cannot change`, {
    element,
    fix: "Load it without atVersion and asOf to change it.",
  });
}
