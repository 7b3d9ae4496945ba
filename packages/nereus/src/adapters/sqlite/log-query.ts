import type { LogFilter, LogPage } from "../../ports/store.ts";
import type { Row } from "./connection.ts";
import { messageColumns, storedMessageOf } from "./message-rows.ts";
import type { Session } from "./session.ts";
import { head, readLogCorrelation, readLogScan } from "./statements.ts";

/** The most types whose index entries are merged; SQLite takes 500 parts in one statement. */
const mergeLimit = 256;

/** Up to so many types, the index is as fast as reading through a log in which everything matches. */
const fewTypes = 8;

/** How many positions are read through for each message wanted, before the index is asked. */
const scanFactor = 2;

/** One page of the log. */
export function readLogPage(session: Session, filter: LogFilter): LogPage {
  const { connection, types } = session;
  // Asked before the rows: whatever commits in between, the page holds all up to here.
  const last = Math.max(filter.after, Number(connection.prepare(head).get()?.[0] ?? 0));
  const messages = matchingRows(session, filter, last).map((row) => storedMessageOf(row, types));
  const full = messages.length >= filter.limit;
  return { messages, through: full ? (messages.at(-1)?.position ?? filter.after) : last };
}

function matchingRows(session: Session, filter: LogFilter, last: number): Row[] {
  const { after, limit, correlationId } = filter;
  const numbers = session.types.matching(filter);
  if (numbers.length === 0 || after >= last) return [];
  if (correlationId !== undefined) return correlated(session, filter, last, numbers, correlationId);
  const scanned = scanThrough(filter, last, numbers.length);
  const found = scanned === after ? [] : scan(session, filter, scanned, numbers);
  if (found.length >= limit || scanned === last) return found;
  return found.concat(merge(session, { ...filter, after: scanned, limit: limit - found.length }, last, numbers));
}

/** How far to read the log through: where most of it matches, or little is new, that is fastest; else the index is. */
function scanThrough({ after, limit }: LogFilter, last: number, types: number): number {
  if (types > mergeLimit) return last;
  const near = Math.min(last, after + limit * scanFactor);
  return types > fewTypes || near === last ? near : after;
}

function correlated(
  { connection }: Session,
  { after, limit, tenant }: LogFilter,
  last: number,
  types: readonly number[],
  correlationId: string,
): Row[] {
  const statement = connection.prepare(readLogCorrelation);
  const only = tenant ?? null;
  return statement.all(after, last, only, only, correlationId, JSON.stringify(types), limit);
}

function scan(
  { connection }: Session,
  { after, limit, tenant }: LogFilter,
  through: number,
  types: readonly number[],
): Row[] {
  const only = tenant ?? null;
  return connection.prepare(readLogScan).all(after, through, only, only, JSON.stringify(types), limit);
}

/**
 * The messages of so many types in the order of the log. Each type's positions come sorted from an index, and SQLite
 * merges them no further than the page goes.
 */
function merge(
  { connection }: Session,
  { after, limit, tenant }: LogFilter,
  last: number,
  types: readonly number[],
): Row[] {
  const index = tenant === undefined || tenant === "" ? "nereus_messages_by_type" : "nereus_messages_by_tenant";
  const ofTenant = tenant === undefined ? "" : tenant === "" ? " AND tenant = ?" : " AND tenant = ? AND tenant <> ''";
  const positions =
    `SELECT position FROM nereus_messages INDEXED BY ${index} ` +
    `WHERE type = ? AND position > ? AND position <= ?${ofTenant}`;
  const ranges = types.flatMap((type) => (tenant === undefined ? [type, after, last] : [type, after, last, tenant]));
  const statement = connection.prepare(
    `SELECT ${messageColumns} FROM (${types.map(() => positions).join(" UNION ALL ")} ORDER BY position LIMIT ?) ` +
      "AS found CROSS JOIN nereus_messages AS m ON m.position = found.position",
  );
  return statement.all(...ranges, limit);
}
