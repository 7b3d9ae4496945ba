import type { StreamId } from "../../log/message.ts";
import type { Commit, CommitOutcome, Conflict } from "../../ports/store.ts";
import { refuseDoubles, repeatedAppend, type StoredPlace } from "../repeated-append.ts";
import type { Encoding } from "./batch.ts";
import type { Layout } from "./layouts.ts";
import { storedMessages } from "./message-rows.ts";
import type { Row } from "./reads.ts";
import { type OutcomeColumns, recordOf } from "./records.ts";
import { fromStored, fromStoredJson, toStored } from "./stored-text.ts";

/** What `nereus_write` answers for a group. */
export interface GroupAnswer {
  readonly head: number;
  readonly base: number;
  readonly written: number;
  readonly refused: Readonly<Record<string, Refused>>;
}

type Refused = Verdict & {
  readonly duplicate?: OutcomeColumns;
  /** Messages of the commit that are stored already. */
  readonly stored?: readonly StoredColumns[];
};

type StoredColumns = readonly [
  id: string,
  category: number,
  tenant: string,
  streamId: string,
  version: number,
  position: number,
];

type Verdict =
  | { readonly on?: undefined }
  | {
      readonly on: "stream";
      readonly append: number;
      readonly actual: number;
      readonly unseen: readonly Row[];
      readonly diverged: boolean;
    }
  | { readonly on: "document"; readonly write: number; readonly version: number | null; readonly data: string | null }
  | {
      readonly on: "unique";
      readonly write: number;
      readonly list: number;
      readonly holder: string;
      readonly layout: string;
    }
  | { readonly on: "checkpoint"; readonly actual: number }
  | { readonly on: "note"; readonly write: number; readonly revision: number | null; readonly data: string | null }
  | { readonly on: "doubled" };

/** What one commit is answered: an outcome, or an error of its own. */
export type Answer = { readonly outcome: CommitOutcome } | { readonly error: unknown };

/** What the commits of a group are answered, in their order. */
export async function answersOf(
  commits: readonly Commit[],
  { head, base, refused }: GroupAnswer,
  encoding: Encoding,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  let last = head;
  let given = 0;
  for (const [at, commit] of commits.entries()) {
    const verdict = refused[at];
    if (verdict !== undefined) {
      answers.push(await refusalOf(commit, verdict, encoding));
      continue;
    }
    const count = (commit.appends ?? []).reduce((sum, { messages }) => sum + messages.length, 0);
    given += count;
    if (count > 0) last = base + given;
    answers.push({ outcome: { status: "committed", position: last } });
  }
  return answers;
}

async function refusalOf(commit: Commit, verdict: Refused, encoding: Encoding): Promise<Answer> {
  const { idempotency } = commit;
  if (verdict.duplicate !== undefined && idempotency !== undefined) {
    const record = recordOf(idempotency.tenant, idempotency.key, verdict.duplicate);
    return { outcome: { status: "duplicate", record } };
  }
  try {
    const position = firstResult(commit, verdict.stored ?? [], encoding);
    if (position !== undefined) return { outcome: { status: "committed", position } };
    if (verdict.on === "doubled") refuseDoubles(commit.appends ?? []);
    return { outcome: { status: "conflict", conflict: await conflictOf(commit, verdict, encoding) } };
  } catch (error) {
    return { error };
  }
}

/** The position that a first commit of the same messages was answered with, if there was one. */
function firstResult(
  { appends = [] }: Commit,
  stored: readonly StoredColumns[],
  { types }: Encoding,
): number | undefined {
  if (stored.length === 0) return undefined;
  const places = new Map(stored.map((columns) => [columns[0], columns]));
  return repeatedAppend(appends, (id: string, stream: StreamId): StoredPlace | undefined => {
    const columns = places.get(toStored(id));
    if (columns === undefined) return undefined;
    const [, category, tenant, streamId, version, position] = columns;
    const inStream =
      streamId === toStored(stream.id) && tenant === toStored(stream.tenant) && category === types.category(stream);
    return { inStream, version, position };
  });
}

async function conflictOf(commit: Commit, verdict: Verdict, { types }: Encoding): Promise<Conflict> {
  switch (verdict.on) {
    case "stream": {
      const { stream, expectedVersion: expected } = itemOf(commit.appends, verdict.append);
      const unseen = await storedMessages(verdict.unseen, types);
      const conflict = { on: "stream", stream: { ...stream }, expected, actual: verdict.actual, unseen } as const;
      return verdict.diverged ? { ...conflict, diverged: true } : conflict;
    }
    case "document": {
      const { collection, id, expectedVersion: expected } = itemOf(commit.documents, verdict.write);
      const { version, data } = verdict;
      const current = version === null || data === null ? undefined : { id, version, data: fromStoredJson(data) };
      return { on: "document", collection, id, expected, current };
    }
    case "unique": {
      const { collection, id } = itemOf(commit.documents, verdict.write);
      const { unique } = JSON.parse(fromStoredJson(verdict.layout)) as Layout;
      const fields = [...(unique[verdict.list] ?? [])];
      return { on: "unique", collection, id, fields, holder: fromStored(verdict.holder) };
    }
    case "checkpoint":
      return { on: "checkpoint", name: commit.checkpoint?.name ?? "", actual: verdict.actual };
    case "note": {
      const { name, expected } = itemOf(commit.notes, verdict.write);
      const { revision, data } = verdict;
      const current = revision === null || data === null ? undefined : { name, revision, data: fromStored(data) };
      return { on: "note", name, expected, actual: revision ?? 0, current };
    }
    default:
      throw new Error("nereus_write refused a commit without a reason");
  }
}

function itemOf<Item>(items: readonly Item[] | undefined, at: number): Item {
  const item = items?.[at];
  if (item === undefined) throw new Error(`nereus_write refused what is not in the commit: ${at}`);
  return item;
}
