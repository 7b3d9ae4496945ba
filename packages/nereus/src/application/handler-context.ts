import { messageId, type Returning } from "../model/message.ts";
import type { Cause } from "./cause.ts";
import type { Clock, CommandContext, EventContext, Log, MessageMetadata, WorkContext } from "./context.ts";
import type { EventMetadata } from "./projector.ts";
import type { Runtime } from "./registry.ts";
import { repositoryIn } from "./repositories.ts";
import type { SendOptions } from "./send-options.ts";
import type { UnitOfWork } from "./unit-of-work.ts";
import type { SqlTransaction } from "./unit-transaction.ts";

/** What a context calls back: a nested command in its unit of work, a query as of the last commit, a command for later. */
export interface Joining {
  process(command: object, unit: UnitOfWork, causedBy: string): Promise<unknown>;
  query(question: object, unit: UnitOfWork): Promise<unknown>;
  send(command: object, options: SendOptions, unit: UnitOfWork, causedBy: string): void;
}

/** The message that is being handled. */
interface Handled<M> {
  readonly id: string;
  metadata(): M;
}

/** What a handler is handed. Members are made when they are asked for: most handlers use one or none. */
class HandlerContext<M> implements WorkContext {
  readonly #runtime: Runtime;
  readonly #unit: UnitOfWork;
  readonly #handled: Handled<M>;
  readonly #joining: Joining;

  constructor(runtime: Runtime, unit: UnitOfWork, handled: Handled<M>, joining: Joining) {
    this.#runtime = runtime;
    this.#unit = unit;
    this.#handled = handled;
    this.#joining = joining;
  }

  get process(): WorkContext["process"] {
    return <R>(command: Returning<R, "command">) =>
      this.#joining.process(command, this.#unit, this.#handled.id) as Promise<R>;
  }

  get send(): WorkContext["send"] {
    return async (command, options = {}) => {
      this.#joining.send(command, options, this.#unit, this.#handled.id);
      return { commandId: messageId(command) };
    };
  }

  get query(): WorkContext["query"] {
    return <R>(question: Returning<R, "query">) => this.#joining.query(question, this.#unit) as Promise<R>;
  }

  get repository(): WorkContext["repository"] {
    return (of) => repositoryIn(this.#runtime, this.#unit, of, false);
  }

  get transaction(): SqlTransaction {
    return this.#unit.transaction;
  }

  get metadata(): M {
    return this.#handled.metadata();
  }

  get signal(): AbortSignal {
    return this.#unit.signal;
  }

  get clock(): Clock {
    return this.#runtime.clock;
  }

  get log(): Log {
    return this.#runtime.log;
  }
}

/** @param causationId of a nested command: the message whose handler called it */
export function commandContext(
  runtime: Runtime,
  unit: UnitOfWork,
  id: string,
  joining: Joining,
  causationId: string | null = unit.cause.causationId,
): CommandContext {
  const metadata = (): MessageMetadata => metadataOf(unit.cause, id, causationId);
  return new HandlerContext(runtime, unit, { id, metadata }, joining);
}

export function eventContext(
  runtime: Runtime,
  unit: UnitOfWork,
  event: object,
  metadata: EventMetadata,
  joining: Joining,
): EventContext {
  return new HandlerContext(runtime, unit, { id: messageId(event), metadata: () => metadata }, joining);
}

function metadataOf(cause: Cause, id: string, causationId: string | null): MessageMetadata {
  const { tenant, envelope, extensions } = cause;
  const { correlationId, occurredAt } = envelope;
  return { id, correlationId, causationId, tenant, occurredAt: new Date(occurredAt), extensions };
}
