import { type Issue, NereusError, ValidationError } from "./errors.ts";

/** A rule that must hold after every change, or (a precondition) before one: its code, what to tell the caller, and the test. */
export interface Invariant {
  readonly code: string;
  readonly message: string;
  readonly holds: (subject: never) => boolean;
}

/** Whose rules are checked. */
export interface Whose {
  readonly name: string;
  readonly identity?: () => string | undefined;
}

/**
 * Checks all rules, so that the caller learns of every one that fails.
 *
 * @throws ValidationError INVARIANT_FAILED
 */
export function checkInvariants(whose: Whose, invariants: readonly Invariant[], subject: object): void {
  const issues = brokenInvariants(invariants, subject, []);
  if (issues.length > 0) throw invariantError(whose, issues);
}

export function brokenInvariants(
  invariants: readonly Invariant[],
  subject: object,
  path: readonly (string | number)[],
): Issue[] {
  const issues: Issue[] = [];
  for (const { code, message, holds } of invariants) {
    const verdict: unknown = holds(subject as never);
    if (typeof verdict === "object" && verdict !== null && "then" in verdict) throw asynchronousRule(code);
    if (!verdict) issues.push({ path, code, message });
  }
  return issues;
}

/**
 * Checks what has to hold before a change.
 *
 * @throws ValidationError PRECONDITION_FAILED
 */
export function checkPreconditions(whose: Whose, preconditions: readonly Invariant[], subject: object): void {
  if (preconditions.length === 0) return;
  const issues = brokenInvariants(preconditions, subject, []);
  if (issues.length > 0) throw ruleError("PRECONDITION_FAILED", whose, issues, "Nothing was changed.");
}

export function invariantError(whose: Whose, issues: readonly Issue[]): ValidationError {
  return ruleError("INVARIANT_FAILED", whose, issues, "Nothing was changed; mend the input or the rule.");
}

function ruleError(
  code: "INVARIANT_FAILED" | "PRECONDITION_FAILED",
  { name, identity }: Whose,
  issues: readonly Issue[],
  fix: string,
): ValidationError {
  const known = identity?.();
  return new ValidationError(code, name, issues, known === undefined ? { fix } : { fix, identity: known });
}

function asynchronousRule(code: string): NereusError {
  return new NereusError("CHANGE_ASYNCHRONOUS", `The rule ${code} returned a promise, so it would never fail`, {
    element: code,
    fix: "Let the test of a rule be synchronous, on the fields alone.",
  });
}
