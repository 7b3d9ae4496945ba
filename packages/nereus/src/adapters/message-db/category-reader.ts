import type { MessageKind, StoredMessage } from "../../log/message.ts";
import { NereusError } from "../../model/errors.ts";
import { storeFault } from "./faults.ts";
import { type MessageRow, messageColumns, storedMessageOf } from "./message-rows.ts";
import { type MessageDbPool, rowsOf } from "./pool.ts";
import { headOf } from "./stream-names.ts";

/** Which messages of one category to read. */
export interface CategoryRead {
  readonly category: string;
  /** Default: `event`. */
  readonly kind?: MessageKind;
  /** Default: `""`. A tenant's streams are a category of their own to Message DB. */
  readonly tenant?: string;
  /** Only positions greater than this. Default: 0. */
  readonly after?: number;
  /** The most messages that are returned. */
  readonly limit: number;
  /** Only messages whose correlation is a stream of this category. */
  readonly correlation?: string;
  /** This reader's number, from 0, among so many: each stream's messages (by the part of its id before `+`) go to one of them. */
  readonly group?: { readonly member: number; readonly size: number };
}

/**
 * One page of a category, by Message DB's own `get_category_messages`: for a group of consumers that share the work without knowing each
 * other. Within a category positions become visible in their order, so a reader goes on from the last one's.
 *
 * @throws NereusError OPTION_INVALID, STORE_NOT_SET_UP
 * @example
 * const page = await readCategory(pool, { category: "Account", after, limit: 100, group: { member: 0, size: 3 } });
 */
export async function readCategory(pool: MessageDbPool, read: CategoryRead): Promise<readonly StoredMessage[]> {
  const { category, kind = "event", tenant = "", after = 0, limit, correlation, group } = read;
  assertRead(read);
  const text = `
    WITH path AS MATERIALIZED (SELECT pg_catalog.set_config('search_path', 'message_store, pg_temp', true) AS path)
    SELECT ${messageColumns}
    FROM path CROSS JOIN LATERAL message_store.get_category_messages(
      CASE WHEN path.path IS NOT NULL THEN $1::varchar END, $2::bigint, $3::bigint, $4::varchar, $5::bigint, $6::bigint
    ) ORDER BY global_position`;
  try {
    const rows = await rowsOf<MessageRow>(pool, text, [
      headOf({ tenant, kind, category }),
      after + 1,
      limit,
      correlation ?? null,
      group?.member ?? null,
      group?.size ?? null,
    ]);
    return rows.map(storedMessageOf);
  } catch (error) {
    throw storeFault(error, "message-db");
  }
}

function assertRead({ after = 0, limit, correlation, group }: CategoryRead): void {
  const fault =
    !Number.isSafeInteger(limit) || limit < 1
      ? `limit is ${String(limit)}`
      : !Number.isSafeInteger(after) || after < 0
        ? `after is ${String(after)}`
        : correlation?.includes("-") === true
          ? `correlation is ${correlation}, which is no category`
          : group !== undefined && !isGroup(group)
            ? `group is ${JSON.stringify(group)}`
            : undefined;
  if (fault === undefined) return;
  throw new NereusError("OPTION_INVALID", `A category cannot be read: ${fault}`, {
    fix: 'Write readCategory(pool, { category: "Account", after: 0, limit: 100, group: { member: 0, size: 3 } }).',
  });
}

function isGroup({ member, size }: { readonly member: number; readonly size: number }): boolean {
  return Number.isSafeInteger(member) && Number.isSafeInteger(size) && member >= 0 && member < size && size <= 32_767;
}
