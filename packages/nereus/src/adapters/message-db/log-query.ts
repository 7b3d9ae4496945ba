import type { MessageKind, StoredMessage } from "../../log/message.ts";
import type { LogFilter, LogPage } from "../../ports/store.ts";
import { type MessageRow, messageColumns, storedMessageOf } from "./message-rows.ts";
import { type MessageDbPool, rowsOf } from "./pool.ts";
import { escaped, headOf, namedKinds, onceSuffix } from "./stream-names.ts";

/** As the index that `setUp` makes has it; what a client that says nothing of correlation wrote is correlated by its own id. */
export const correlationOf: string =
  "coalesce(nullif(metadata->>'correlationStreamName', ''), metadata#>>'{domain,correlation_id}', id::text)";

const head = "split_part(stream_name, '-', 1)";
const kindEnding = `':(${namedKinds.join("|")})$'`;
const place = `regexp_replace(${head}, ${kindEnding}, '')`;
/** Names that have escapes in them, or are none of ours: what their parts are is told when they are read. */
const isUnusual = `(strpos(stream_name, '-') = 0 OR ${head} ~ '^%|%(25|2D|3A|40)|@.*@|@(:|$)')`;
const isForOnce = `${head} ~ ':${onceSuffix}$'`;

/** One page of the log, of what is settled up to `last`. The statement leaves out most of what does not match; the rest is left out here. */
export async function readLogPage(pool: MessageDbPool, filter: LogFilter, last: number): Promise<LogPage> {
  const { after, limit } = filter;
  if (last <= after) return { messages: [], through: Math.max(after, 0) };
  const { text, values } = statementFor(filter, last);
  const rows = await rowsOf<MessageRow>(pool, text, values);
  const messages = rows.map(storedMessageOf).filter((message) => passes(message, filter));
  const isFull = rows.length >= limit;
  return { messages, through: isFull ? Number(rows.at(-1)?.position ?? after) : last };
}

function statementFor(filter: LogFilter, last: number): { readonly text: string; readonly values: unknown[] } {
  const { after, limit, types, correlationId } = filter;
  const values: unknown[] = [after, last, limit];
  const value = (one: unknown): string => `$${values.push(one)}`;
  const conditions = [`global_position > $1::bigint AND global_position <= $2::bigint AND NOT ${isForOnce}`];
  if (types !== undefined) conditions.push(`type = ANY(${value([...types])}::text[])`);
  if (correlationId !== undefined) {
    const wanted = value(correlationId);
    // an index takes no long texts, so it has their hashes; an empty correlation cannot be told from none
    if (correlationId !== "")
      conditions.push(`md5(${correlationOf}) = md5(${wanted}) AND ${correlationOf} = ${wanted}`);
    else conditions.push(`metadata->>'correlationStreamName' = ${wanted}`);
  }
  conditions.push(...streamConditions(filter, value));
  return {
    text: `SELECT ${messageColumns} FROM message_store.messages
      WHERE ${conditions.join(" AND ")}
      ORDER BY global_position LIMIT $3::bigint`,
    values,
  };
}

function streamConditions(filter: LogFilter, value: (one: unknown) => string): string[] {
  const { kinds = ["event"], categories, tenant } = filter;
  if (categories !== undefined && tenant !== undefined && !categories.some((category) => category.startsWith("%"))) {
    const heads = kinds.flatMap((kind) => categories.map((category) => headOf({ tenant, kind, category })));
    return [`message_store.category(stream_name) = ANY(${value(heads)}::text[])`]; // as Message DB's index has it
  }
  const parts = [kindCondition(kinds, value)];
  if (categories !== undefined) {
    const wanted = value(categories.map(escaped));
    parts.push(`split_part(${place}, '@', 1) = ANY(${wanted}::text[])`);
  }
  if (tenant !== undefined) parts.push(`split_part(${place}, '@', 2) = ${value(escaped(tenant))}`);
  return [`(${parts.join(" AND ")} OR ${isUnusual})`];
}

function kindCondition(kinds: readonly MessageKind[], value: (one: unknown) => string): string {
  if (kinds.length === 1 && kinds[0] === "event") return `${head} !~ ${kindEnding}`;
  return `coalesce(substring(${head} from ${kindEnding}), 'event') = ANY(${value([...kinds])}::text[])`;
}

function passes(
  { stream, correlationId: own }: StoredMessage,
  { kinds = ["event"], categories, tenant, correlationId = own }: LogFilter,
): boolean {
  return (
    own === correlationId &&
    kinds.includes(stream.kind) &&
    (categories === undefined || categories.includes(stream.category)) &&
    (tenant === undefined || tenant === stream.tenant)
  );
}
