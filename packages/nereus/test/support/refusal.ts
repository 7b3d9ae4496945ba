import { type Issue, isNereusError, type NereusError, ValidationError } from "nereus";

/** What was thrown; fails the test if it was no error of the framework, or nothing. */
export function refusalOf(run: () => unknown): NereusError {
  try {
    run();
  } catch (error) {
    if (isNereusError(error)) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

export function codeOf(run: () => unknown): string {
  return refusalOf(run).code;
}

/** The issues of a refusal as `path code`, to compare all of them at once. */
export function issuesOf(run: () => unknown): string[] {
  const error = refusalOf(run);
  if (!(error instanceof ValidationError)) throw error;
  return error.issues.map(({ path, code }: Issue) => `${path.join(".")} ${code}`.trim());
}
