import { NereusError } from "../model/errors.ts";

/** One failure as it is; several as one. */
export function together(failures: readonly unknown[]): unknown {
  if (failures.length === 1) return failures[0];
  const text = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure))).join("; ");
  return new NereusError("SETTLE_FAILED", `${failures.length} failures: ${text}`, {
    cause: new AggregateError(failures, text),
    fix: "See the errors of cause.",
  });
}
