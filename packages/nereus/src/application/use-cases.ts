import { isThenable } from "../model/aggregate-root.ts";
import { isTooDeep, tooDeep } from "../model/depth.ts";
import { NereusError, ValidationError } from "../model/errors.ts";
import { newIdentity } from "../model/identity.ts";
import type { StandardSchema } from "../model/standard-schema.ts";
import type { ApplicationServiceDefinition } from "./application-service.ts";
import { causeOf } from "./cause.ts";
import type { CommandContext } from "./context.ts";
import { enriched } from "./enrichers.ts";
import { commandContext, type Joining } from "./handler-context.ts";
import { frameworkKey } from "./idempotency.ts";
import { assertDelivery, type ProcessOptions } from "./process-options.ts";
import type { Runtime } from "./registry.ts";
import type { SubscriberDefinition } from "./subscriber.ts";
import type { Work } from "./work.ts";

/** What is known of a call from outside. */
export type CallOptions = Pick<
  ProcessOptions,
  "tenant" | "correlationId" | "causationId" | "traceparent" | "extensions" | "occurredAt"
>;

/** A call of a use case as a piece of work. */
export function useCaseWork(
  runtime: Runtime,
  joining: Joining,
  { name, useCases }: ApplicationServiceDefinition,
  useCase: string,
  input: readonly unknown[],
  options: CallOptions,
): Work {
  const run = useCases[useCase] as (context: CommandContext, ...input: readonly unknown[]) => unknown;
  const call = { name: `${name}.${useCase}`, id: newIdentity(), options, claim: undefined };
  return workOf(runtime, joining, call, (context) => run.call(useCases, context, ...input));
}

/**
 * Another system's message as a piece of work: the same id takes effect once.
 *
 * @throws ValidationError VALIDATION_FAILED for a message that is not as the subscriber says, NereusError OPTION_INVALID
 */
export function messageWork(
  runtime: Runtime,
  joining: Joining,
  { name, message: schema, handle }: SubscriberDefinition,
  message: unknown,
  delivery: CallOptions & { readonly id?: string | undefined },
): Work {
  assertDelivery(delivery);
  const { id, ...options } = delivery;
  const parsed = parse(name, schema, message);
  let isUsed = false;
  const { tenant = "" } = options;
  const claim = id === undefined ? undefined : { tenant, key: frameworkKey("message", name, id), fingerprint: name };
  const call = { name, id: newIdentity(), options, claim };
  return workOf(runtime, joining, call, async (context) => {
    const own = isUsed ? parse(name, schema, message) : parsed; // a handler that runs again may have changed the first one
    isUsed = true;
    await handle(own, context); // what it answers is nobody's
  });
}

function parse(name: string, schema: StandardSchema, message: unknown): unknown {
  if (isTooDeep(message)) throw new ValidationError("VALUE_TOO_DEEP", name, [tooDeep([])]);
  const result = schema["~standard"].validate(message);
  if (isThenable(result)) {
    throw new NereusError("SCHEMA_UNSUPPORTED", `${name} has a schema that validates asynchronously`, {
      element: name,
      fix: "Look things up in the handler.",
    });
  }
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(({ message: text, path = [] }) => ({
    path: path.map((part) => (typeof part === "object" ? String(part.key) : (part as string | number))),
    message: text,
    code: "custom",
  }));
  throw new ValidationError("VALIDATION_FAILED", name, issues);
}

interface Call {
  readonly name: string;
  readonly id: string;
  readonly options: CallOptions;
  readonly claim: Work["claim"];
}

function workOf(
  runtime: Runtime,
  joining: Joining,
  { name, id, options, claim }: Call,
  run: (context: CommandContext) => unknown,
): Work {
  const {
    tenant = "",
    correlationId = id,
    causationId = null,
    traceparent = null,
    extensions = {},
    occurredAt,
  } = options;
  const { commands = [] } = runtime.enrichers;
  const origin = {
    id,
    causationId,
    correlationId,
    tenant,
    traceparent,
    extensions: enriched(extensions, commands, undefined),
    occurredAt: occurredAt?.getTime(),
  };
  return {
    name,
    subject: name,
    tenant,
    target: undefined,
    claim,
    cause: (recordedAt) => causeOf(origin, recordedAt),
    run: (unit) => run(commandContext(runtime, unit, id, joining)),
  };
}
