import { appendCases } from "./append-cases.ts";
import { atomicityCases } from "./atomicity-cases.ts";
import { concurrencyCases } from "./concurrency-cases.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { defaultCases } from "./default-cases.ts";
import { documentCases } from "./document-cases.ts";
import { filterCases } from "./filter-cases.ts";
import { lifecycleCases } from "./lifecycle-cases.ts";
import { migrationCases } from "./migration-cases.ts";
import { nestedCases } from "./nested-cases.ts";
import { noteCases } from "./note-cases.ts";
import { queryCases } from "./query-cases.ts";
import { raceCases } from "./race-cases.ts";
import { readCases } from "./read-cases.ts";
import { recordCases } from "./record-cases.ts";
import { recoveryCases } from "./recovery-cases.ts";
import { repetitionCases } from "./repetition-cases.ts";
import { textCases } from "./text-cases.ts";
import { timerCases } from "./timer-cases.ts";
import { uniqueCases } from "./unique-cases.ts";
import { withdrawalCases } from "./withdrawal-cases.ts";

export type { MessageKind, NewMessage, ReplayMessage, StoredMessage, StreamId } from "../log/message.ts";
export type {
  Append,
  Capability,
  CheckpointMove,
  CollectionShape,
  Commit,
  CommitOutcome,
  Condition,
  Conflict,
  DocumentQuery,
  DocumentReader,
  DocumentWrite,
  ExpectedVersion,
  FieldShape,
  FieldType,
  Filter,
  Folding,
  IdempotencyRecord,
  Inner,
  LogFilter,
  LogPage,
  LogReader,
  Note,
  NoteWrite,
  OutboxEntry,
  RecordReader,
  SqlClient,
  SqlResult,
  Store,
  StoredDocument,
  StoredScalar,
  StoreTransaction,
  StoreTransactions,
  StreamRange,
  Timer,
  TimerRange,
  TimerWrite,
  WeakerPromise,
} from "../ports/store.ts";
export {
  type ConformanceCase,
  type ConformanceHarness,
  type ConformanceHook,
  type HeldAppend,
  reasonToSkip,
} from "./conformance-case.ts";

/**
 * The contract of a store, sentence by sentence. Every store that comes with Nereus passes all of them; run them
 * against a store of your own with any test runner.
 *
 * @example
 * for (const one of conformanceCases) {
 *   const reason = reasonToSkip(one, capabilities, ["another"]);
 *   test(one.name, { skip: reason ?? false }, () => one.run(harness)); // node:test
 * }
 */
export const conformanceCases: readonly ConformanceCase[] = [
  ...appendCases,
  ...repetitionCases,
  ...concurrencyCases,
  ...raceCases,
  ...recoveryCases,
  ...atomicityCases,
  ...readCases,
  ...filterCases,
  ...textCases,
  ...documentCases,
  ...queryCases,
  ...nestedCases,
  ...uniqueCases,
  ...migrationCases,
  ...defaultCases,
  ...recordCases,
  ...timerCases,
  ...noteCases,
  ...lifecycleCases,
  ...withdrawalCases,
];
