import type { StreamId } from "../log/message.ts";
import type { Append } from "../ports/store.ts";
import { eventIdReused } from "./store-errors.ts";

/** Where a message id is stored, seen from the stream that it is being appended to. */
export interface StoredPlace {
  readonly inStream: boolean;
  readonly version: number;
  readonly position: number;
}

/**
 * Tells a repeated commit from a new one. Returns the last position of the first result if every message of the
 * appends is stored, each append in its stream and in one run; undefined if none is stored.
 *
 * @throws NereusError `EVENT_ID_REUSED` where only some are stored, or elsewhere, or in another order.
 */
export function repeatedAppend(
  appends: readonly Append[],
  find: (id: string, stream: StreamId) => StoredPlace | undefined,
): number | undefined {
  let last: number | undefined;
  let fresh = false;
  for (const { stream, messages } of appends) {
    let before: StoredPlace | undefined;
    for (const { id } of messages) {
      const place = find(id, stream);
      fresh ||= place === undefined;
      if (place === undefined && last === undefined) continue;
      if (place === undefined || fresh || !follows(place, before)) throw eventIdReused(id);
      before = place;
      last = Math.max(last ?? 0, place.position);
    }
  }
  return last;
}

function follows(place: StoredPlace, before: StoredPlace | undefined): boolean {
  return place.inStream && (before === undefined || place.version === before.version + 1);
}

/** One commit must not hold an id twice either. @throws NereusError `EVENT_ID_REUSED` */
export function refuseDoubles(appends: readonly Append[]): void {
  const id = doubledId(appends);
  if (id !== undefined) throw eventIdReused(id);
}

/** A message id that the appends of one commit hold twice, if there is one. */
export function doubledId(appends: readonly Append[]): string | undefined {
  if (appends.length === 0 || (appends.length === 1 && (appends[0]?.messages.length ?? 0) < 2)) return undefined;
  const seen = new Set<string>();
  for (const { messages } of appends) {
    for (const { id } of messages) {
      if (seen.has(id)) return id;
      seen.add(id);
    }
  }
  return undefined;
}
