import { codeOf } from "./depth.ts";
import { type Issue, NereusError, ValidationError } from "./errors.ts";
import { copyOf, freeze, frozenCopy, isFrozen, isUnchanged } from "./freeze.ts";
import { HandedOut } from "./handed-out.ts";
import type { Transitions } from "./status.ts";
import type { Values } from "./values.ts";

/** Where the check that comes before a change of an entity is kept: with its fields, unseen by whoever looks at those. */
const before: unique symbol = Symbol("before");

interface Guarded {
  readonly [before]?: () => void;
}

/** Says what to check, before these fields are written for the first time in a change. */
export function guard(values: Values, check: () => void): void {
  Object.defineProperty(values, before, { value: check });
}

/** What a scope needs to know of a field. */
export interface ScopedField {
  readonly name: string;
  readonly scalar: boolean;
  /** For an identity, which may be set once. */
  readonly setOnce: boolean;
  readonly transitions: Transitions | undefined;
  /** For a field that holds entities: puts another value in its place, and returns the way back. */
  readonly relation:
    | { replace(values: Values, name: string, value: unknown, scope: ChangeScope): () => void }
    | undefined;
  check(value: unknown): readonly Issue[] | undefined;
}

/** Whose fields are read or written. */
export interface FieldOwner {
  readonly element: string;
  identityIn(values: Values): string | undefined;
}

/** Whose scope it is. In an event-sourced one, setting the status that it has already is a transition too. */
export interface ScopeOwner {
  readonly name: string;
  readonly eventSourced?: boolean;
}

/** A change under way: where the journal stood, and the change around it. */
export interface Level {
  readonly mark: number;
  readonly outer: number;
}

/** One step to undo: a field's former value, or an operation of a collection. */
type Step = FieldStep | { readonly undo: () => void; readonly order: number };

interface FieldStep {
  /** Its place among the steps of all scopes. */
  readonly order: number;
  readonly values: Values;
  readonly field: ScopedField;
  readonly former: unknown;
  /** Whose rule the value has to keep when the change ends. */
  readonly owner: FieldOwner;
  /** The value is a copy of our own, which may be frozen where it is. */
  readonly copied: boolean;
}

let stepsSoFar = 0;

/**
 * Who may change the fields of one aggregate and its entities, and how a change is taken back.
 *
 * `closed`: a write goes to `onOutside` (an event-sourced aggregate refuses it, a state-stored one makes it a change of
 * its own). `recording`: writes are checked and journalled. `replaying`: writes are neither.
 */
export class ChangeScope {
  mode: "closed" | "recording" | "replaying" = "closed";
  readonly #journal: Step[] = [];
  /** Where in the journal a field got the value that it has: one from before the level may not be changed in place. */
  #touched: Map<Values, Map<ScopedField, number>> | undefined;
  #level = 0;
  /** How many changes are under way, one inside the other. */
  #depth = 0;
  /** Where in the journal the outermost of them began. */
  #start = 0;
  /** Whose preconditions were checked in the change under way. */
  readonly #entered = new Set<Values>();
  /** The fields of entities that came in with the change under way. */
  readonly #fresh = new Set<Values>();
  readonly #handed = new HandedOut();
  readonly #owner: ScopeOwner;
  readonly #onOutside: (write: () => void, field: string) => void;

  readonly #free: (() => object) | undefined;

  /** @param free the entity, if the scope is that of one which nothing holds */
  constructor(owner: ScopeOwner, onOutside: (write: () => void, field: string) => void, free?: () => object) {
    this.#owner = owner;
    this.#onOutside = onOutside;
    this.#free = free;
  }

  /** Whether nothing holds this entity: neither an aggregate nor another entity. */
  leavesFree(entity: object): boolean {
    return this.#free?.() === entity;
  }

  /** Whether anything was changed since it was loaded or saved. */
  get changed(): boolean {
    return this.#journal.length > 0;
  }

  /** Begins a change, or one inside another, that can be rolled back by itself. */
  begin(): Level {
    const level = { mark: this.#journal.length, outer: this.#level };
    if (this.#depth === 0) this.#start = level.mark;
    this.#level = level.mark;
    this.#depth += 1;
    return level;
  }

  /** Ends what {@link begin} began. */
  end({ outer }: Level): void {
    this.#level = outer;
    this.#depth -= 1;
    if (this.#depth > 0) return;
    this.#entered.clear();
    this.#fresh.clear();
  }

  #enter(values: Values): void {
    const check = (values as Guarded)[before];
    if (check === undefined || this.#entered.has(values)) return;
    this.#asBefore(values, () => this.judge(check));
    this.#entered.add(values);
  }

  /** Does something while these fields are as they were when the change began: lists may have been changed in place. */
  #asBefore(values: Values, look: () => void): void {
    const now = { ...values };
    for (let at = this.#journal.length - 1; at >= this.#start; at--) {
      const step = this.#journal[at] as Step;
      if ("field" in step && step.values === values) values[step.field.name] = step.former;
    }
    try {
      look();
    } finally {
      Object.assign(values, now);
    }
  }

  /** Lets rules look at the fields, without a copy for them to change. */
  judge<T>(rules: () => T): T {
    const former = this.mode;
    this.mode = "closed";
    try {
      return rules();
    } finally {
      this.mode = former;
    }
  }

  /** Takes note of an entity that comes in. */
  welcome(values: Values): void {
    if (this.mode === "recording") this.#fresh.add(values);
  }

  /** Assigns a field, if the scope allows it. */
  assign(values: Values, field: ScopedField, value: unknown, owner: FieldOwner): void {
    const { relation } = field;
    if (relation !== undefined) {
      this.perform(() => relation.replace(values, field.name, value, this), field.name, values);
      return;
    }
    if (this.mode === "replaying") {
      values[field.name] = value;
      this.#handed.note(values, field.name, true);
      return;
    }
    if (this.mode === "closed") {
      this.#onOutside(() => this.assign(values, field, value, owner), field.name);
      return;
    }
    const former = values[field.name];
    if (field.setOnce && former !== undefined && former !== value) throw immutableIdentity(owner.element, field.name);
    const issues = field.check(value);
    if (issues !== undefined) throw misfit(owner, values, issues);
    this.#enter(values);
    this.#write({ order: stepsSoFar++, values, field, former, owner, copied: false }, value);
  }

  /**
   * Reads a field that may hold something mutable. Outside a change it is frozen; inside, and in replay, the caller
   * gets a copy of its own that becomes the value.
   */
  read(values: Values, field: ScopedField, owner: FieldOwner): unknown {
    const value = values[field.name];
    if (typeof value !== "object" || value === null || this.mode === "closed") return value;
    if (this.mode === "replaying") {
      if (isFrozen(value)) values[field.name] = copyOf(value);
      this.#handed.note(values, field.name, false);
      return values[field.name];
    }
    if (this.#isOwn(values, field) && !isFrozen(value)) return value;
    const copy = copyOf(value);
    if (copy !== value) {
      this.#write({ order: stepsSoFar++, values, field, former: value, owner, copied: true }, copy);
    }
    return copy;
  }

  /** Ends one event of a replay. */
  separate(): void {
    this.#handed.separate();
  }

  #write(step: FieldStep, value: unknown): void {
    const { values, field } = step;
    if (!field.scalar) {
      this.#touched ??= new Map();
      const fields = this.#touched.get(values) ?? new Map<ScopedField, number>();
      this.#touched.set(values, fields.set(field, this.#journal.length));
    }
    this.#journal.push(step);
    values[field.name] = value;
  }

  /** Whether the field got its value in the change under way, and not in one around it. */
  #isOwn(values: Values, field: ScopedField): boolean {
    const at = this.#touched?.get(values)?.get(field);
    if (at === undefined || at < this.#level) return false;
    const step = this.#journal[at]; // a rollback may have put another step there
    return step !== undefined && "field" in step && step.values === values && step.field === field;
  }

  /** Carries out an operation of a collection, if the scope allows it. `owner`: the fields that the collection is among. */
  perform(operation: () => () => void, what: string, owner: Values): void {
    if (this.mode === "replaying") operation();
    else if (this.mode === "recording") {
      this.#enter(owner);
      const undo = operation();
      this.#journal.push({ undo, order: stepsSoFar++ });
    } else this.#onOutside(() => this.perform(operation, what, owner), what);
  }

  /** Takes back every step of a change, newest first; without one, everything. */
  rollback(level: { readonly mark: number } = { mark: 0 }): void {
    while (this.#journal.length > level.mark) this.#undoLast();
  }

  /** The same for several scopes between which entities may have moved: newest first among all of their steps. */
  static rollbackAll(changes: readonly { readonly scope: ChangeScope; readonly mark: number }[]): void {
    for (;;) {
      const open = changes.filter(({ scope, mark }) => scope.#journal.length > mark);
      if (open.length === 0) return;
      const newest = open.reduce((one, other) => (other.scope.#last > one.scope.#last ? other : one));
      newest.scope.#undoLast();
    }
  }

  get #last(): number {
    return this.#journal.at(-1)?.order ?? -1;
  }

  #undoLast(): void {
    const step = this.#journal.pop() as Step;
    if ("undo" in step) step.undo();
    else step.values[step.field.name] = step.former;
  }

  /**
   * Checks and freezes what a change has touched, and checks the status transitions from its start to its end.
   *
   * @param isNew whether the aggregate begins with this change: it may then be given the status that it starts with
   */
  seal(level: Level, isNew: boolean): void {
    this.settle(level);
    this.#assertTransitions(level.mark, isNew);
    if (level.mark === 0 && this.#journal.every(isIdle)) this.clear(); // what was only looked at is no change
  }

  /** Checks and freezes the values that were touched since a level began. */
  settle({ mark }: Level): void {
    // newest first: the latest write of a field says whose value it is
    for (let at = this.#journal.length - 1; at >= mark; at--) {
      const step = this.#journal[at] as Step;
      if ("field" in step && !step.field.scalar && settle(step)) this.#enter(step.values);
    }
  }

  /**
   * Walks each status from its value at the mark to the one it has now.
   *
   * @throws ValidationError STATUS_TRANSITION_FORBIDDEN
   */
  #assertTransitions(mark: number, isNew: boolean): void {
    const issues: Issue[] = [];
    let first: FieldStep | undefined;
    /** What each field went to, going back from what it is now. */
    const next = new Map<Values, Map<ScopedField, unknown>>();
    for (let at = this.#journal.length - 1; at >= mark; at--) {
      const step = this.#journal[at] as Step;
      if (!("field" in step) || step.field.transitions === undefined) continue;
      const { values, field, former } = step;
      const known = next.get(values) ?? new Map<ScopedField, unknown>();
      const to = known.has(field) ? known.get(field) : values[field.name];
      next.set(values, known.set(field, former));
      const isAllowedToStay = isNew || this.#owner.eventSourced !== true || this.#fresh.has(values);
      if (former === to && isAllowedToStay) continue;
      const faults = transitionFaults(step, to);
      if (faults.length > 0) first = step;
      issues.unshift(...faults);
    }
    if (first !== undefined) throw forbiddenTransition(first, issues);
  }

  /** Forgets the journal: what was done is saved. */
  clear(): void {
    this.#journal.length = 0;
    this.#touched = undefined;
  }
}

/** A value that may have been changed in place is checked again, then frozen; returns whether it was. */
function settle({ values, field, former, owner, copied }: FieldStep): boolean {
  const value = values[field.name];
  if (isFrozen(value)) return false;
  const issues = field.check(value);
  if (issues !== undefined) throw misfit(owner, values, issues);
  const isChanged = copied && !isUnchanged(value, former);
  if (!copied) values[field.name] = frozenCopy(value);
  else if (isChanged) freeze(value);
  else values[field.name] = former; // it was only looked at
  return isChanged;
}

/** A step that changed nothing: a copy was handed out and is not used. */
function isIdle(step: Step): boolean {
  return "field" in step && step.copied && step.values[step.field.name] === step.former;
}

function transitionFaults({ field, former }: FieldStep, now: unknown): Issue[] {
  if (former === undefined || former === null) return [];
  const allowed = field.transitions?.[former as string] ?? [];
  if (allowed.includes(now as string)) return [];
  const list = allowed.length === 0 ? "it is a terminal state" : `allowed: ${allowed.join(", ")}`;
  return [
    {
      path: [field.name],
      code: "STATUS_TRANSITION_FORBIDDEN",
      message: `cannot go from ${former} to ${now} (${list})`,
    },
  ];
}

function misfit(owner: FieldOwner, values: Values, issues: readonly Issue[]): ValidationError {
  const identity = owner.identityIn(values);
  return new ValidationError(codeOf(issues), owner.element, issues, identity === undefined ? {} : { identity });
}

function forbiddenTransition({ owner, values }: FieldStep, issues: readonly Issue[]): ValidationError {
  const identity = owner.identityIn(values);
  return new ValidationError("STATUS_TRANSITION_FORBIDDEN", owner.element, issues, {
    fix: "Change the status along an allowed transition, or allow this one in status({ … }).",
    ...(identity === undefined ? {} : { identity }),
  });
}

function immutableIdentity(element: string, field: string): NereusError {
  return new NereusError("IDENTITY_IMMUTABLE", `${element}: the identity ${field} cannot be changed once it is set`, {
    element,
    fix: "Create another instance instead.",
  });
}
