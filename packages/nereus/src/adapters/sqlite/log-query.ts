import type { LogFilter, LogPage } from "../../ports/store.ts";
import type { Row } from "./connection.ts";
import { messageColumns, storedMessageOf } from "./message-rows.ts";
import type { Session } from "./session.ts";
import { head, readLogCorrelation, readLogScan } from "./statements.ts";

/** From this many types on, reading the log through costs less than merging their indexes. */
const mergeLimit = 64;

/** One page of the log. */
export function readLogPage(session: Session, filter: LogFilter): LogPage {
  const { connection, types } = session;
  // Asked before the rows: whatever commits in between, the page holds all up to here.
  const last = Number(connection.prepare(head).get()?.[0] ?? 0);
  const messages = matchingRows(session, filter).map((row) => storedMessageOf(row, types));
  const lastFound = messages.at(-1)?.position ?? filter.after;
  return { messages, through: messages.length >= filter.limit ? lastFound : Math.max(filter.after, last, lastFound) };
}

function matchingRows({ connection, types }: Session, filter: LogFilter): Row[] {
  const { after, limit, correlationId, tenant } = filter;
  const numbers = types.matching(filter);
  if (numbers.length === 0) return [];
  const narrow = [after, tenant ?? null, tenant ?? null];
  if (correlationId !== undefined) {
    const statement = connection.prepare(readLogCorrelation);
    return statement.all(...narrow, correlationId, JSON.stringify(numbers), limit);
  }
  if (numbers.length >= mergeLimit) {
    return connection.prepare(readLogScan).all(...narrow, JSON.stringify(numbers), limit);
  }
  const ranges = numbers.flatMap((number) => (tenant === undefined ? [number, after] : [number, after, tenant]));
  return connection.prepare(mergeOf(numbers.length, tenant)).all(...ranges, limit);
}

/**
 * The messages of so many types in the order of the log. Each type's positions come sorted from an index, and SQLite
 * merges them no further than the page goes. Parameters: for each type its number, after, and the tenant if there is
 * one; then the limit.
 */
function mergeOf(types: number, tenant: string | undefined): string {
  const sources = Array.from({ length: types }, () => positions(tenant));
  return (
    `SELECT ${messageColumns} FROM (${sources.join(" UNION ALL ")} ORDER BY position LIMIT ?) AS found ` +
    "CROSS JOIN nereus_messages AS m ON m.position = found.position"
  );
}

/** The positions of one type, from the index of tenants where there is one. */
function positions(tenant: string | undefined): string {
  const index = tenant === undefined || tenant === "" ? "nereus_messages_by_type" : "nereus_messages_by_tenant";
  const ofTenant = tenant === undefined ? "" : `AND tenant = ?${tenant === "" ? "" : " AND tenant <> ''"}`;
  return `SELECT position FROM nereus_messages INDEXED BY ${index} WHERE type = ? AND position > ? ${ofTenant}`;
}
