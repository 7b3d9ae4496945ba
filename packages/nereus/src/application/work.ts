import type { CheckpointMove, SqlClient } from "../ports/store.ts";
import type { Cause } from "./cause.ts";
import type { Claim } from "./idempotency.ts";
import type { Target, UnitOfWork } from "./unit-of-work.ts";

/** What is done in one unit of work: handling a command, an event, a use case, another system's message. */
export interface Work {
  /** Whom errors are about. */
  readonly name: string;
  /** What is to be done, for errors: the command's name, for example. */
  readonly subject: string;
  readonly tenant: string;
  /** The aggregate that it is addressed to: it waits for its turn with it. */
  readonly target: Target | undefined;
  /** A line that it waits in for its turn, before anything else. */
  readonly line?: string | undefined;
  readonly deadline?: Date | undefined;
  /** How long it may take, in milliseconds. Where neither is given: as long as the domain says. */
  readonly timeout?: number | undefined;
  /** Makes it take effect once. */
  readonly claim?: Claim | undefined;
  /** Moved with it: how far a subscription has come. */
  readonly checkpoint?: CheckpointMove | undefined;
  /** One that the caller has begun, to be done in. It waits for no turn: who has it may wait for the caller. */
  readonly transaction?: SqlClient | undefined;
  cause(recordedAt: number): Cause;
  /** May run several times; without a promise where nothing has to be waited for. */
  run(unit: UnitOfWork): unknown;
}
