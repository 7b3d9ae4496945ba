import { payloadOf, serialise } from "../log/event-types.ts";
import type { StoredMessage } from "../log/message.ts";
import { definition } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import { listOf, type Misfit, misfits } from "../model/form-fit.ts";
import { formOfValue } from "../model/form-values.ts";
import { encodeMessage, messageDefinition, messageId, restoreCommand } from "../model/message.ts";
import { storedFormOf } from "../model/stored-form.ts";
import type { Append, CheckpointMove } from "../ports/store.ts";
import type { Cause } from "./cause.ts";
import { reserved } from "./enrichers.ts";
import { frameworkKey } from "./idempotency.ts";
import type { CommandRoute } from "./registry.ts";
import { type Priority, priorities, type SendOptions } from "./send-options.ts";

/** What is stored of the options of a sent command. */
interface SentMark {
  readonly at?: number;
  readonly priority?: Priority;
  readonly key?: string;
  readonly deadline?: number;
}

/** A sent command as it waits for its turn. */
export interface SentCommand {
  readonly message: StoredMessage;
  /** Milliseconds since 1970: not before. */
  readonly at: number;
  /** Higher comes first. */
  readonly rank: number;
  readonly key: string | undefined;
  readonly deadline: Date | undefined;
}

/** A command on its way into the log: under the aggregate that handles it, and out of sight of readers of events. */
export function appendOf({ aggregate }: CommandRoute, command: object, cause: Cause, options: SendOptions): Append {
  const { name, version } = messageDefinition(command, "command") ?? { name: "", version: 1 };
  const { at, priority, idempotencyKey: key, deadline } = options;
  const mark: SentMark = {
    ...(at === undefined ? {} : { at: at.getTime() }),
    ...(priority === undefined ? {} : { priority }),
    ...(key === undefined ? {} : { key }),
    ...(deadline === undefined ? {} : { deadline: deadline.getTime() }),
  };
  const extensions = JSON.stringify({ ...cause.extensions, [reserved]: mark });
  const { causationId } = cause;
  const id = messageId(command);
  const message = serialise(id, name, version, encodeMessage(command), { ...cause.envelope, causationId, extensions });
  const stream = { tenant: cause.tenant, kind: "command", category: aggregate[definition].name, id } as const;
  return { stream, expectedVersion: "any", messages: [message] };
}

export function sentCommand(message: StoredMessage): SentCommand {
  const stored = message.extensions === null ? {} : (JSON.parse(message.extensions) as Record<string, unknown>);
  const { at = 0, priority = "normal", key, deadline } = (stored[reserved] ?? {}) as SentMark;
  return {
    message,
    at,
    rank: priorities[priority],
    key,
    deadline: deadline === undefined ? undefined : new Date(deadline),
  };
}

/** Whose the timers of sent commands are. */
export const timerOwner = "commands";

/** The key under which a sent command takes effect once. */
export function effectKeyOf(message: Pick<StoredMessage, "id">): string {
  return frameworkKey("sent", message.id);
}

/** A command with a key of its own leaves that free when it does not take effect; another has one outcome, whichever it is. */
export function endKeyOf(message: Pick<StoredMessage, "id">, key: string | undefined): string {
  return key === undefined ? effectKeyOf(message) : `${effectKeyOf(message)}:refused`;
}

/** Moved by what ends a command with a key of its own, which takes its effect under that: so only one of effect and cancellation is stored. */
export function endOf(message: Pick<StoredMessage, "id">, key: string | undefined): CheckpointMove | undefined {
  return key === undefined ? undefined : { name: `sent:${message.id}`, expected: 0, position: 1 };
}

/**
 * The command as it was sent. One that another release has sent in another shape is for a release that knows that shape.
 *
 * @throws NereusError CHECKSUM_MISMATCH, STORED_SHAPE_CHANGED
 */
export function restoreSent({ command }: CommandRoute, { message }: SentCommand): object {
  const payload = payloadOf(message);
  const found = misfits(formOfValue(payload), storedFormOf(command[definition].shape));
  if (found.length > 0) throw sentChanged(message.type, found);
  return restoreCommand(command, payload, message.id);
}

function sentChanged(name: string, found: readonly Misfit[]): NereusError {
  return new NereusError(
    "STORED_SHAPE_CHANGED",
    `A ${name} that was sent does not fit its class any more: ${listOf(found)}`,
    {
      element: name,
      fix: "Leave the command as it was until what was sent is handled, and send what is new as a command of another name.",
    },
  );
}
