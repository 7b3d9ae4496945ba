import type { CollectionTables } from "./collection-tables.ts";
import type { Connection } from "./connection.ts";
import type { MessageTypes } from "./message-types.ts";
import type { OpenedFile } from "./opened-file.ts";

/** What an open store works with; a store that is opened again gets a new one. */
export interface Session {
  readonly connection: Connection;
  readonly types: MessageTypes;
  readonly tables: CollectionTables;
  readonly file: OpenedFile;
}

/** Runs reads on the open session, waiting for locks, with faults translated. */
export type Read = <Result>(work: (session: Session) => Result) => Promise<Result>;
