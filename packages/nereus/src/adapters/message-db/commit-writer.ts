import type {
  Commit,
  CommitOutcome,
  Conflict,
  DocumentWrite,
  IdempotencyRecord,
  Store,
  WeakerPromise,
} from "../../ports/store.ts";
import { holds } from "../expectation.ts";
import { refuseDoubles } from "../repeated-append.ts";
import { hasDocuments, incomplete, promiseOf, refuseUnpromised } from "./commit-refusals.ts";
import type { LateAppends } from "./late-appends.ts";
import type { LogWriter } from "./log-writer.ts";
import type { OnceIds } from "./once-ids.ts";
import type { MessageDbPool } from "./pool.ts";
import { type MessageDbRecords, sealed } from "./records.ts";
import { claimed, type Verdict, verdictOn } from "./verdict.ts";
import { type Writing, writingOf } from "./written-rows.ts";

/** What a commit is written with. */
export interface Surroundings {
  readonly name: string;
  readonly pool: MessageDbPool;
  readonly second: Store;
  readonly weaker: ReadonlySet<WeakerPromise>;
  readonly writer: LogWriter;
  readonly late: LateAppends;
  readonly records: MessageDbRecords;
  readonly once: OnceIds;
  head(): Promise<number>;
  /** Called when messages were written. */
  onMessages(): void;
}

/** Writes a commit to the log, to the second store, or to both: the messages first, unless no stream can refuse them. */
export async function writeCommit(on: Surroundings, commit: Commit): Promise<CommitOutcome> {
  const { appends = [] } = commit;
  if (appends.length === 0) return writeBeside(on, commit);
  if (!hasDocuments(commit)) return writeMessagesFirst(on, commit, appends);
  refuseUnpromised(on.name, commit, on.weaker);
  if (promiseOf(commit) === "state-with-events" && appends.some(({ messages }) => messages.length > 0)) {
    return writeDocumentsFirst(on, commit, appends);
  }
  return writeMessagesFirst(on, commit, appends);
}

/** Without messages, everything is one commit of the second store. */
async function writeBeside(on: Surroundings, commit: Commit): Promise<CommitOutcome> {
  const { idempotency: claim, ...rest } = commit;
  const record = claim && (await claimed(on.pool, on.once.claim(claim.tenant, claim.key)));
  if (record !== undefined) return { status: "duplicate", record };
  const position = await on.head();
  const outcome = await on.second.commit(
    claim === undefined ? rest : { ...rest, idempotency: sealed(claim, position) },
  );
  if (outcome.status === "duplicate") return { status: "duplicate", record: await on.records.opened(outcome.record) };
  return outcome.status === "committed" ? { status: "committed", position } : outcome;
}

type Appends = NonNullable<Commit["appends"]>;

/** The log says whether the commit is made; what is to happen once is told there, so that a repetition finds it. */
async function writeMessagesFirst(on: Surroundings, commit: Commit, appends: Appends): Promise<CommitOutcome> {
  const { idempotency: claim, checkpoint: step } = commit;
  const record = await rememberedBeside(on, commit);
  if (record !== undefined) return { status: "duplicate", record };
  const writes = appends.some(({ messages }) => messages.length > 0);
  const writing = writingOf(appends, writes ? on.once.of({ claim, step }) : {});
  const refused = await refusedBeside(on, commit, writing);
  if (refused !== undefined) return answered(on, commit, refused);
  return answered(on, commit, await on.writer.write(writing), !writes);
}

async function answered(
  on: Surroundings,
  commit: Commit,
  verdict: Verdict,
  isClaimOpen = false,
): Promise<CommitOutcome> {
  if (verdict.status === "conflict" || verdict.status === "duplicate") return verdict;
  const { documents = [], outbox = [], timers = [], notes = [], checkpoint } = commit;
  if (verdict.status === "handled") {
    await moveOn(on, { checkpoint: verdict.step });
    return {
      status: "conflict",
      conflict: { on: "checkpoint", name: verdict.step.name, actual: verdict.step.position },
    };
  }
  if (verdict.status === "repeated") {
    // a crash may have come before the step; whoever moved it since stays where it is
    if (checkpoint !== undefined) await moveOn(on, { checkpoint });
    return { status: "committed", position: verdict.position };
  }
  if (verdict.position !== undefined) on.onMessages();
  const position = verdict.position ?? (await on.head());
  const claim = isClaimOpen ? commit.idempotency : undefined;
  const rest: Commit = {
    documents,
    outbox,
    timers,
    notes: notes.filter(({ data }) => data !== undefined), // what was only expected was looked at before
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(claim === undefined ? {} : { idempotency: sealed(claim, position) }),
  };
  if (!hasDocuments(rest) && checkpoint === undefined && claim === undefined) return { status: "committed", position };
  return moveOn(on, rest, position);
}

/** What the second store writes after the log: if it cannot, the caller must know that the messages stand. */
async function moveOn(on: Surroundings, rest: Commit, position = 0): Promise<CommitOutcome> {
  const stored = `The messages of a commit are in the log of ${on.name}`;
  const outcome = await on.second.commit(rest).catch((cause: unknown) => {
    const fix = hasDocuments(rest)
      ? "Do not repeat the command. Mend the second store, then bring its documents up to date with the log."
      : "Mend the second store. What is tried again finds the messages, and takes no effect twice.";
    throw incomplete(`${stored}, but ${on.second.name} failed before it had the rest.`, fix, cause);
  });
  if (outcome.status === "conflict" && hasDocuments(rest)) {
    const { conflict } = outcome;
    const place = "collection" in conflict ? `${conflict.collection} ${conflict.id}` : conflict.on;
    const fix = "Do not repeat the command. Bring this document up to date with the log.";
    throw incomplete(`${stored}, but another process changed ${place} meanwhile: no document was written.`, fix);
  }
  return { status: "committed", position };
}

/**
 * The messages wait in the second store, in one commit with the documents, and go into the log from there: now, or after a
 * crash. They expect nothing of their streams, so that none can be refused.
 */
async function writeDocumentsFirst(on: Surroundings, commit: Commit, appends: Appends): Promise<CommitOutcome> {
  const { documents = [], idempotency: claim } = commit;
  const writing = writingOf(appends, on.once.of({ claim }));
  const before = await verdictOn(on.pool, writing);
  if (before !== undefined) return answered(on, {}, before);
  refuseDoubles(appends);
  await on.late.catchUp();
  const ids = appends.flatMap(({ messages }) => messages.map(({ id }) => id));
  const [first = ""] = ids;
  const last = ids.at(-1) ?? "";
  const outcome = await on.second.commit({
    ...commit,
    appends: [],
    documents: [...documents, on.late.kept(first, appends)],
    ...(claim === undefined ? {} : { idempotency: sealed(claim, last) }),
  });
  if (outcome.status === "duplicate") return { status: "duplicate", record: await on.records.opened(outcome.record) };
  if (outcome.status === "conflict") return outcome;
  const position = await on.late.write(first, appends).catch((cause: unknown) => {
    const fix =
      "Do not repeat the command: its messages are stored, and go into the log with the next commit or at the next start.";
    throw incomplete(`The documents of a commit are in ${on.second.name}, but ${on.name} failed.`, fix, cause);
  });
  on.onMessages();
  return { status: "committed", position };
}

async function rememberedBeside(on: Surroundings, { idempotency }: Commit): Promise<IdempotencyRecord | undefined> {
  return idempotency && on.records.inSecond(idempotency.tenant, idempotency.key);
}

/** What the second store would refuse, as far as that can be told before: then the log is not written either. */
async function refusedBeside(
  on: Surroundings,
  { documents = [], checkpoint, notes }: Commit,
  writing: Writing,
): Promise<Verdict | undefined> {
  const conflict =
    (await documentConflict(on.second, documents)) ??
    (await checkpointConflict(on.second, checkpoint)) ??
    (await noteConflict(on.second, notes));
  if (conflict === undefined) return undefined;
  return (await verdictOn(on.pool, writing)) ?? { status: "conflict", conflict };
}

async function checkpointConflict(second: Store, move: Commit["checkpoint"]): Promise<Conflict | undefined> {
  if (move === undefined) return undefined;
  const actual = await second.records.checkpoint(move.name);
  return actual === move.expected ? undefined : { on: "checkpoint", name: move.name, actual };
}

async function noteConflict(second: Store, notes: Commit["notes"] = []): Promise<Conflict | undefined> {
  for (const { name, expected } of notes) {
    const current = await second.records.note(name);
    const actual = current?.revision ?? 0;
    if (actual !== expected) return { on: "note", name, expected, actual, current };
  }
  return undefined;
}

async function documentConflict(second: Store, writes: readonly DocumentWrite[]): Promise<Conflict | undefined> {
  for (const { collection, tenant, id, expectedVersion: expected } of writes) {
    if (expected === "any") continue;
    const current = (await second.documents.get(collection, tenant, [id])).get(id);
    if (!holds(expected, current?.version ?? -1)) return { on: "document", collection, id, expected, current };
  }
  return undefined;
}
