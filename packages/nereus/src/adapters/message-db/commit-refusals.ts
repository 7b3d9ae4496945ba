import { NereusError } from "../../model/errors.ts";
import type { Commit, WeakerPromise } from "../../ports/store.ts";

/** Whether a commit has what only the second store can write, besides checkpoint and outcome. */
export function hasDocuments({ documents = [], outbox = [], timers = [], notes = [] }: Commit): boolean {
  const isChanging = notes.some(({ data }) => data !== undefined);
  return documents.length > 0 || outbox.length > 0 || timers.length > 0 || isChanging;
}

/** Which promise a commit of messages and documents needs: no stream can refuse those that expect nothing. */
export function promiseOf({ appends = [] }: Commit): WeakerPromise {
  return appends.every(({ expectedVersion }) => expectedVersion === "any")
    ? "state-with-events"
    : "events-with-documents";
}

/** @throws NereusError STORE_CAPABILITY_MISSING before anything is written */
export function refuseUnpromised(store: string, commit: Commit, weaker: ReadonlySet<WeakerPromise>): void {
  const promise = promiseOf(commit);
  if (weaker.has(promise)) return;
  const streams = (commit.appends ?? []).map(({ stream }) => stream.category);
  const collections = (commit.documents ?? []).map(({ collection }) => collection);
  const message = `${store} cannot commit messages of ${list(streams)} together with ${list(collections) || "the outbox, timers or notes"}; nothing was written.`;
  throw new NereusError("STORE_CAPABILITY_MISSING", message, {
    element: store,
    fix: `Commit them one after the other, use a transactional store, or accept the weaker promise: messageDb({ …, weaker: ["${promise}"] }).`,
  });
}

/** What is to be told when one of the two stores has its part and the other has not. */
export function incomplete(message: string, fix: string, cause?: unknown): NereusError {
  return new NereusError("COMMIT_INCOMPLETE", message, { fix, cause });
}

function list(names: readonly string[]): string {
  return [...new Set(names)].join(", ");
}
