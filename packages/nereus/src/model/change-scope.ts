import { type Issue, NereusError, ValidationError } from "./errors.ts";
import { copyOf, deepFreeze, isMutableInstance, isPlain } from "./freeze.ts";
import type { Transitions } from "./status.ts";
import type { Values } from "./values.ts";

/** What a scope needs to know of a field. */
export interface ScopedField {
  readonly name: string;
  readonly scalar: boolean;
  /** Defined for an identity, which may be set once. */
  readonly identifier: object | undefined;
  readonly transitions: Transitions | undefined;
  /** Binds a value that holds entities to the scope. */
  readonly relation: { attach(value: unknown, scope: ChangeScope): unknown } | undefined;
  check(value: unknown): readonly Issue[] | undefined;
}

/** One step to undo: a field's former value, or an operation of a collection. */
type Step = FieldStep | { readonly undo: () => void };

interface FieldStep {
  readonly values: Values;
  readonly field: ScopedField;
  readonly former: unknown;
}

/**
 * Who may change the fields of one aggregate and its entities, and how a change is taken back.
 *
 * `closed`: a write goes to `onOutside` (an event-sourced aggregate refuses it, a state-stored one makes it a change of
 * its own). `recording`: writes are checked and journalled. `replaying`: writes are neither.
 */
export class ChangeScope {
  mode: "closed" | "recording" | "replaying" = "closed";
  readonly #journal: Step[] = [];
  readonly #element: string;
  readonly #onOutside: (write: () => void, field: string) => void;

  constructor(element: string, onOutside: (write: () => void, field: string) => void) {
    this.#element = element;
    this.#onOutside = onOutside;
  }

  /** A place in the journal to {@link rollback} to. */
  get mark(): number {
    return this.#journal.length;
  }

  /** Assigns a field, if the scope allows it. */
  assign(values: Values, field: ScopedField, input: unknown, element: string): void {
    const value = field.relation !== undefined && this.mode !== "closed" ? field.relation.attach(input, this) : input;
    if (this.mode === "replaying") {
      values[field.name] = value;
      return;
    }
    if (this.mode === "closed") {
      this.#onOutside(() => this.assign(values, field, value, element), field.name);
      return;
    }
    const former = values[field.name];
    if (field.identifier !== undefined && former !== undefined && former !== value)
      throw immutableIdentity(element, field.name);
    const issues = field.check(value);
    if (issues !== undefined) throw new ValidationError("VALIDATION_FAILED", element, issues);
    this.#journal.push({ values, field, former });
    values[field.name] = field.scalar || field.relation !== undefined ? value : copyOf(value);
  }

  /**
   * Reads a field that may hold something mutable. Inside a change the caller gets a copy of its own that becomes
   * the value; outside, lists and objects are frozen, and dates, maps and sets are handed out as copies.
   */
  read(values: Values, field: ScopedField): unknown {
    const value = values[field.name];
    if (typeof value !== "object" || value === null || this.mode === "replaying") return value;
    if (isMutableInstance(value)) return this.mode === "recording" ? this.#own(values, field, value) : copyOf(value);
    if (this.mode === "recording" && Object.isFrozen(value) && isPlain(value)) return this.#own(values, field, value);
    return value;
  }

  #own(values: Values, field: ScopedField, value: object): object {
    const copy = copyOf(value);
    this.#journal.push({ values, field, former: value });
    values[field.name] = copy;
    return copy;
  }

  /** Carries out an operation of a collection, if the scope allows it. */
  perform(operation: () => () => void, what: string): void {
    if (this.mode === "replaying") operation();
    else if (this.mode === "recording") this.#journal.push({ undo: operation() });
    else this.#onOutside(() => this.perform(operation, what), what);
  }

  /** Takes back every step after the mark, newest first. */
  rollback(mark: number): void {
    while (this.#journal.length > mark) {
      const step = this.#journal.pop() as Step;
      if ("undo" in step) step.undo();
      else step.values[step.field.name] = step.former;
    }
  }

  /** Ends a change: freezes what was touched, and checks the status transitions from its start to its end. */
  seal(mark: number): void {
    const seen = new Map<Values, Set<string>>();
    const issues: Issue[] = [];
    for (let at = mark; at < this.#journal.length; at++) {
      const step = this.#journal[at] as Step;
      if ("undo" in step) continue;
      if (step.field.transitions !== undefined && isFirst(seen, step)) issues.push(...transitionFaults(step));
      if (!step.field.scalar) deepFreeze(step.values[step.field.name]);
    }
    if (issues.length > 0) throw forbiddenTransition(this.#element, issues);
  }

  /** Forgets the journal: what was done is saved. */
  clear(): void {
    this.#journal.length = 0;
  }
}

function isFirst(seen: Map<Values, Set<string>>, { values, field }: FieldStep): boolean {
  const names = seen.get(values) ?? new Set();
  seen.set(values, names);
  if (names.has(field.name)) return false;
  names.add(field.name);
  return true;
}

function transitionFaults({ values, field, former }: FieldStep): Issue[] {
  const now = values[field.name];
  if (former === undefined || former === now) return [];
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

function forbiddenTransition(element: string, issues: readonly Issue[]): NereusError {
  const text = issues.map((issue) => `${issue.path.join(".")} ${issue.message}`).join("; ");
  return new NereusError("STATUS_TRANSITION_FORBIDDEN", `${element}: ${text}`, {
    element,
    fix: "Change the status along an allowed transition, or allow this one in status({ … }).",
  });
}

function immutableIdentity(element: string, field: string): NereusError {
  return new NereusError("IDENTITY_IMMUTABLE", `${element}: the identity ${field} cannot be changed once it is set`, {
    element,
    fix: "Create another instance instead.",
  });
}
