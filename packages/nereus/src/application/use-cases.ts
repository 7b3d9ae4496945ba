import { newIdentity } from "../model/identity.ts";
import type { ApplicationServiceDefinition } from "./application-service.ts";
import { causeOf } from "./cause.ts";
import type { CommandContext } from "./context.ts";
import { enriched } from "./enrichers.ts";
import { commandContext, type Joining } from "./handler-context.ts";
import type { ProcessOptions } from "./process-options.ts";
import type { Runtime } from "./registry.ts";
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
  const call = { name: `${name}.${useCase}`, id: newIdentity(), options };
  return callWork(runtime, joining, call, (context) => run.call(useCases, context, ...input));
}

/** What is called from outside, other than a command. */
export interface Call extends Pick<Work, "claim" | "line"> {
  readonly name: string;
  readonly id: string;
  readonly options: CallOptions;
}

/** A call as a piece of work. */
export function callWork(
  runtime: Runtime,
  joining: Joining,
  { name, id, options, claim, line }: Call,
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
    line,
    cause: (recordedAt) => causeOf(origin, recordedAt),
    run: (unit) => run(commandContext(runtime, unit, id, joining)),
  };
}
