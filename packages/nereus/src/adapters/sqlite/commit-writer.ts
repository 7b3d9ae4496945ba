import type { Commit, CommitOutcome, Conflict } from "../../ports/store.ts";
import { refuseDoubles } from "../repeated-append.ts";
import { Appends } from "./appends.ts";
import { documentConflict, writeDocuments } from "./documents.ts";
import { isConstraint } from "./faults.ts";
import { checkpointConflict, noteConflict, remembered, writeRecords } from "./records.ts";
import type { Session } from "./session.ts";
import { writeUniqueDocuments } from "./unique-writes.ts";

/** Writes commits, several in one transaction of the database, each checked against what those before it wrote. */
export class CommitWriter {
  readonly #session: Session;
  readonly #appends: Appends;
  readonly #onMessages: () => void;

  /** @param onMessages called after each transaction that wrote messages */
  constructor(session: Session, onMessages: () => void) {
    this.#session = session;
    this.#onMessages = onMessages;
    this.#appends = new Appends(session);
  }

  /** Writes all of them or, where an error is thrown, none; a refused one has its verdict and writes nothing. */
  writeTogether(commits: readonly Commit[]): CommitOutcome[] {
    const { connection, types, file } = this.#session;
    file.assertUsable();
    try {
      const outcomes = connection.transact(() => {
        this.#appends.begin();
        const verdicts = commits.map((commit) => this.#write(commit));
        this.#appends.flush();
        return verdicts;
      });
      types.committed();
      if (this.#appends.wrote) file.wrote(this.#appends.last, this.#appends.lastId);
      file.check();
      if (this.#appends.wrote) this.#onMessages();
      return outcomes;
    } catch (error) {
      types.rolledBack();
      throw error;
    }
  }

  /** Writes one commit in a transaction of its own, in which a repeated message id can be told from a fault. */
  writeAlone(commit: Commit): CommitOutcome {
    try {
      return this.#writeOne(commit);
    } catch (error) {
      const { appends = [] } = commit;
      if (!isConstraint(error)) throw error;
      const position = this.#appends.firstResult(appends);
      if (position !== undefined) return { status: "committed", position };
      refuseDoubles(appends);
      // Another process may have made values unique since this one opened the file.
      if (this.#session.tables.refresh()) return this.#writeOne(commit);
      throw error;
    }
  }

  #writeOne(commit: Commit): CommitOutcome {
    const [outcome] = this.writeTogether([commit]);
    if (outcome === undefined) throw new Error("a commit has no outcome");
    return outcome;
  }

  #write(commit: Commit): CommitOutcome {
    const { appends = [], documents = [], checkpoint, notes, idempotency } = commit;
    const record = idempotency && remembered(this.#session, idempotency.tenant, idempotency.key);
    if (record !== undefined) return { status: "duplicate", record };
    const conflict = this.#appends.conflict(appends);
    if (conflict !== undefined) return this.#refused(commit, conflict);
    const other =
      documentConflict(this.#session, documents) ??
      checkpointConflict(this.#session, checkpoint) ??
      noteConflict(this.#session, notes);
    if (other !== undefined) return this.#refused(commit, other);
    const taken = writeUniqueDocuments(this.#session, documents);
    if (taken !== undefined) return this.#refused(commit, taken);

    this.#appends.append(appends);
    const position = this.#appends.last;
    writeDocuments(this.#session, documents);
    writeRecords(this.#session, commit, idempotency && { ...idempotency, position });
    return { status: "committed", position };
  }

  /** A conflict, unless it is the first commit of the same messages that this one conflicts with. */
  #refused({ appends = [] }: Commit, conflict: Conflict): CommitOutcome {
    const position = this.#appends.firstResult(appends);
    return position === undefined ? { status: "conflict", conflict } : { status: "committed", position };
  }
}
