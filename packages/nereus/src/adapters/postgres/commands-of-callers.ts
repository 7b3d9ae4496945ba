import { NereusError } from "../../model/errors.ts";
import type { SqlClient } from "../../ports/store.ts";

/** A command in a transaction of its caller's. */
export interface CommandOfCaller {
  /** The same transaction may be given as one client, or by one store's commands as several. */
  readonly client: SqlClient;
  readonly store: object;
  /** The server's number of the transaction, which is known by now. */
  readonly number: string | undefined;
}

/** What a command does at this moment: its handler's own SQL, which is undone if it is refused, or only its commit. */
type Doing = "ownSql" | "commit";

/**
 * The commands that are at work in transactions of callers. To undo the SQL of one would undo what another has stored in the same transaction meanwhile,
 * and was answered as done: so who has SQL of its own is alone there until it ends.
 */
export class CommandsOfCallers {
  readonly #atWork = new Map<CommandOfCaller, Doing>();

  /** @throws NereusError TRANSACTION_CONTROL_REFUSED where another one is at work that cannot be beside it */
  enter(command: CommandOfCaller, doing: Doing, store: string): void {
    for (const [other, its] of this.#atWork) {
      if (other !== command && areTogether(other, command) && (doing === "ownSql" || its === "ownSql")) {
        throw notAlone(store);
      }
    }
    if (this.#atWork.get(command) !== "ownSql") this.#atWork.set(command, doing);
  }

  leave(command: CommandOfCaller): void {
    this.#atWork.delete(command);
  }
}

function areTogether(one: CommandOfCaller, other: CommandOfCaller): boolean {
  return one.client === other.client || (one.store === other.store && one.number === other.number);
}

function notAlone(store: string): NereusError {
  const what = `A command was refused in a transaction of ${store}: another command with SQL of its own is at work in it`;
  return new NereusError("TRANSACTION_CONTROL_REFUSED", what, {
    element: store,
    fix: "Await one command before the next one in the same transaction.",
  });
}
