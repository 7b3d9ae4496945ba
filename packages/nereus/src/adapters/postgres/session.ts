import type { CollectionTables } from "./collection-tables.ts";
import type { MessageTypes } from "./message-types.ts";
import type { RowReader } from "./reads.ts";

/** What an open store works with; a store that is opened again gets a new one. */
export interface Session {
  readonly reads: RowReader;
  readonly types: MessageTypes;
  readonly tables: CollectionTables;
  /** What is known of the log's length, by how many reads of a short one. */
  readonly length: { isLong: boolean; reads: number };
}

/** Runs reads on the open session, with faults translated. */
export type Read = <Result>(work: (session: Session) => Promise<Result>) => Promise<Result>;
