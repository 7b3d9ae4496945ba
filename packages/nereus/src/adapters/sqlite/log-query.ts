import type { LogFilter, LogPage } from "../../ports/store.ts";
import type { Row } from "./connection.ts";
import { storedMessageOf } from "./message-rows.ts";
import type { Session } from "./session.ts";
import { head, readLogCorrelation, readLogScan } from "./statements.ts";

/** One page of the log. */
export function readLogPage(session: Session, filter: LogFilter): LogPage {
  const { connection, types } = session;
  // Asked before the rows: whatever commits in between, the page holds all up to here.
  const last = Number(connection.prepare(head).get()?.[0] ?? 0);
  const numbers = types.matching(filter);
  const messages = matchingRows(session, filter, numbers).map((row) => storedMessageOf(row, types));
  const lastFound = messages.at(-1)?.position ?? filter.after;
  return { messages, through: messages.length >= filter.limit ? lastFound : Math.max(filter.after, last, lastFound) };
}

function matchingRows({ connection }: Session, filter: LogFilter, types: readonly number[]): Row[] {
  const { after, limit, correlationId, tenant } = filter;
  if (types.length === 0) return [];
  const list = JSON.stringify(types);
  if (correlationId !== undefined) {
    return connection.prepare(readLogCorrelation).all(after, limit, list, correlationId, tenant ?? null);
  }
  if (tenant !== undefined) throw new Error("todo");
  return connection.prepare(readLogScan).all(after, limit, list);
}
