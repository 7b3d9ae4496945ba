import type { StoredMessage, StreamId } from "../log/message.ts";
import { type AggregateClass, AggregateRoot } from "../model/aggregate-root.ts";
import { AggregateNotFoundError, NereusError } from "../model/errors.ts";
import { isStorable } from "../model/identity.ts";
import { blankAggregate } from "../model/restoring.ts";
import type { LogReader } from "../ports/store.ts";
import type { PastOptions } from "./history.ts";
import { pagesOf, replayOnto } from "./loading.ts";

/**
 * An event-sourced aggregate as it was: read-only, and never cached.
 *
 * `atVersion` and `asOf` by recording take the events up to a point. `asOf` by happening takes every event that had
 * happened by then, in stream order, whenever it became known.
 *
 * @throws AggregateNotFoundError AGGREGATE_NOT_FOUND or VERSION_NOT_FOUND
 */
export async function loadPast(
  log: LogReader,
  aggregate: AggregateClass,
  stream: StreamId,
  past: PastOptions,
): Promise<AggregateRoot> {
  const pick = pickerOf(past);
  if (!isStorable(stream.id)) throw absent(stream);
  const root = blankAggregate(aggregate);
  let last = -1;
  for await (const messages of pagesOf(log, stream)) {
    const { chosen, done } = pick(messages);
    // without the event that made it there is no aggregate, whatever happened to it later
    if (last === -1 && chosen[0]?.version !== 0)
      throw noSuchPast(stream, past, (messages.at(-1) as StoredMessage).version);
    if (chosen.length > 0) replayOnto(root, chosen);
    last = (messages.at(-1) as StoredMessage).version;
    if (done) break;
  }
  if (last === -1) throw absent(stream);
  if (root.version === -1 || (past.atVersion !== undefined && root.version < past.atVersion))
    throw noSuchPast(stream, past, last);
  AggregateRoot.seams.lock(root, "past");
  return root;
}

type Picker = (messages: readonly StoredMessage[]) => { chosen: readonly StoredMessage[]; done: boolean };

function pickerOf(past: PastOptions): Picker {
  if (past.atVersion !== undefined && past.asOf !== undefined) throw badPast("both atVersion and asOf are given");
  if (past.atVersion !== undefined) {
    if (!Number.isSafeInteger(past.atVersion) || past.atVersion < 0) throw badPast(`atVersion is ${past.atVersion}`);
    return prefix((message) => message.version <= past.atVersion);
  }
  const until = past.asOf instanceof Date ? past.asOf.getTime() : Number.NaN;
  if (Number.isNaN(until)) throw badPast("asOf is not a valid Date");
  if (past.by === "occurred") {
    return (messages) => ({ chosen: messages.filter((message) => message.occurredAt <= until), done: false });
  }
  return prefix((message) => message.recordedAt <= until);
}

function prefix(holds: (message: StoredMessage) => boolean): Picker {
  return (messages) => {
    const end = messages.findIndex((message) => !holds(message));
    return end === -1 ? { chosen: messages, done: false } : { chosen: messages.slice(0, end), done: true };
  };
}

export function absent({ category, id }: StreamId): AggregateNotFoundError {
  return new AggregateNotFoundError("AGGREGATE_NOT_FOUND", `There is no ${category} with the identity ${id}`, {
    element: category,
    fix: "Check the identity, or ask find(id) if it may be absent.",
  });
}

function noSuchPast({ category, id }: StreamId, past: PastOptions, last: number): AggregateNotFoundError {
  const wanted = past.atVersion !== undefined ? `at version ${past.atVersion}` : `as of ${past.asOf.toISOString()}`;
  return new AggregateNotFoundError(
    "VERSION_NOT_FOUND",
    `${category} ${id} did not exist ${wanted}; its latest version is ${last}`,
    { element: category, fix: "Ask for a version or time at which it existed." },
  );
}

function badPast(what: string): NereusError {
  return new NereusError("OPTION_INVALID", `The past asked for is not clear: ${what}`, {
    fix: "Give either { atVersion: whole number from 0 } or { asOf: Date, by?: 'recorded' | 'occurred' }.",
  });
}
