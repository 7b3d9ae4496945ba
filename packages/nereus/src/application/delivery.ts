import { isThenable } from "../model/aggregate-root.ts";
import { isTooDeep, tooDeep } from "../model/depth.ts";
import { NereusError, ValidationError } from "../model/errors.ts";
import { newIdentity } from "../model/identity.ts";
import type { StandardSchema } from "../model/standard-schema.ts";
import type { Fingerprints } from "./fingerprints.ts";
import type { Joining } from "./handler-context.ts";
import { type Claim, frameworkKey } from "./idempotency.ts";
import { assertDelivery } from "./process-options.ts";
import type { Runtime } from "./registry.ts";
import type { SubscriberDefinition } from "./subscriber.ts";
import { type CallOptions, callWork } from "./use-cases.ts";
import type { Work } from "./work.ts";

/** What is known of another system's message. */
export interface DeliverOptions extends CallOptions {
  /** The sender's own id: the same one takes effect once, and with other contents is refused. */
  readonly id: string;
  /** Messages of one key are handled one after the other in this process. Default: what the subscriber's `key` says. */
  readonly key?: string | undefined;
}

/**
 * Another system's message as a piece of work: the same id takes effect once.
 *
 * @throws ValidationError VALIDATION_FAILED for a message that is not as the subscriber says, NereusError OPTION_INVALID
 */
export function messageWork(
  runtime: Runtime,
  joining: Joining,
  { name, message: schema, key: keyOf, handle }: SubscriberDefinition,
  message: unknown,
  delivery: Partial<DeliverOptions>,
): Work {
  assertDelivery(delivery);
  const { id, key, ...options } = delivery;
  const { tenant = "" } = options;
  const parsed = parse(name, schema, message);
  const claim = id === undefined ? undefined : claimOn(runtime.fingerprints, { name, id, tenant }, [message, parsed]);
  const inLine = key ?? keyOf?.(parsed);
  const line = inLine === undefined ? undefined : `\0message\0${name}\0${tenant}\0${inLine}`;
  let isUsed = false;
  const call = { name, id: newIdentity(), options, claim, line };
  return callWork(runtime, joining, call, async (context) => {
    const own = isUsed ? parse(name, schema, message) : parsed; // a handler that runs again may have changed the first one
    isUsed = true;
    await handle(own, context); // what it answers is nobody's
  });
}

/**
 * What a message claims by its id. It is known again by its contents as they came, or as the subscriber understood them: the
 * sender may say it again in another envelope, and a schema may fill in another default each time.
 */
function claimOn(
  fingerprints: Fingerprints,
  { name, id, tenant }: { readonly name: string; readonly id: string; readonly tenant: string },
  contents: readonly unknown[],
): Claim {
  const parts = contents.map((content) => fingerprints.of(canonicalText(content)));
  return {
    tenant,
    key: frameworkKey("message", name, id),
    fingerprint: parts.join(" "),
    // earlier releases kept the subscriber's name
    isSame: (stored) => stored === name || stored.split(" ").some((part, at) => part === parts[at]),
    reused: () =>
      new NereusError("MESSAGE_ID_REUSED", `${name} has had another message with the id ${id}`, {
        element: name,
        fix: "Give each message an id of its own, as its sender does; see whether two senders share one subscriber.",
      }),
  };
}

/** The same for the same contents, in whichever order their keys are. */
function canonicalText(content: unknown): string {
  return (
    JSON.stringify(content, (_, value: unknown) => {
      if (typeof value === "bigint") return `${value}n`;
      if (value instanceof Map || value instanceof Set) return [...value];
      if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
      return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
    }) ?? ""
  );
}

function refuseDeep(name: string, value: unknown): void {
  if (isTooDeep(value)) throw new ValidationError("VALUE_TOO_DEEP", name, [tooDeep([])]);
}

function parse(name: string, schema: StandardSchema, message: unknown): unknown {
  refuseDeep(name, message); // before a schema that contains itself overflows the stack
  const result = schema["~standard"].validate(message);
  if (isThenable(result)) {
    throw new NereusError("SCHEMA_UNSUPPORTED", `${name} has a schema that validates asynchronously`, {
      element: name,
      fix: "Look things up in the handler.",
    });
  }
  if (result.issues === undefined) {
    refuseDeep(name, result.value); // what a schema makes of a text may be deeper
    return result.value;
  }
  const issues = result.issues.map(({ message: text, path = [] }) => ({
    path: path.map((part) => (typeof part === "object" ? String(part.key) : (part as string | number))),
    message: text,
    code: "custom",
  }));
  throw new ValidationError("VALIDATION_FAILED", name, issues);
}
