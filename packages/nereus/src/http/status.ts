import type { ErrorCode } from "../model/errors.ts";

/** The codes that a caller can do something about, by the HTTP status that tells it so. */
const byStatus = {
  400: [
    "VALIDATION_FAILED",
    "VALUE_TOO_DEEP",
    "IDENTITY_MISSING",
    "EXPECTED_VERSION_UNUSED",
    "OPTION_INVALID",
    "TENANT_REQUIRED",
    "UNKNOWN_FIELD",
    "FIELD_UNORDERED",
  ],
  404: ["ENTITY_NOT_FOUND", "AGGREGATE_NOT_FOUND", "VERSION_NOT_FOUND"],
  409: ["ENTITY_DUPLICATE", "AGGREGATE_EXISTS", "UNIQUE_VIOLATED", "CONCURRENCY_CONFLICT"],
  412: ["EXPECTED_VERSION_MISMATCH"],
  413: ["MESSAGE_TOO_LARGE", "COMMIT_TOO_LARGE"],
  422: [
    "INVARIANT_FAILED",
    "PRECONDITION_FAILED",
    "REFUSED",
    "STATUS_TRANSITION_FORBIDDEN",
    "IDEMPOTENCY_KEY_REUSED",
    "MESSAGE_ID_REUSED",
  ],
  503: [
    "STOP_FORCED",
    "DOMAIN_NOT_STARTED",
    "VISIBILITY_FAILED",
    "STORE_NOT_OPEN",
    "STORE_NOT_SET_UP",
    "STORE_UNREACHABLE",
    "STORE_POOL_EXHAUSTED",
    "STORE_LOCKED",
    "STORE_WENT_BACK",
    "STORE_REPLACED",
    "STORE_FULL",
    "COMMIT_INCOMPLETE",
  ],
  504: ["DEADLINE_EXCEEDED", "OUTCOME_UNKNOWN"],
} as const satisfies Readonly<Record<number, readonly ErrorCode[]>>;

const statuses: ReadonlyMap<ErrorCode, number> = new Map(
  Object.entries(byStatus).flatMap(([status, codes]) => codes.map((code) => [code, Number(status)])),
);

/**
 * The HTTP status that an error of Nereus is answered with: 500 for what only the developers or operators can mend. The table
 * of docs/reference/http-status.md is held equal to it by a test.
 *
 * @example httpStatusOf("AGGREGATE_NOT_FOUND"); // 404
 */
export function httpStatusOf(code: ErrorCode): number {
  return statuses.get(code) ?? 500;
}
