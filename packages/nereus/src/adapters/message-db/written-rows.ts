import type { NewMessage, StreamId } from "../../log/message.ts";
import { NereusError } from "../../model/errors.ts";
import { isStorable } from "../../model/identity.ts";
import type { Append } from "../../ports/store.ts";
import { uuidOf, writtenMessage } from "./message-rows.ts";
import type { Once } from "./once-ids.ts";
import { headOf, onceSuffix, streamName } from "./stream-names.ts";

/** One row of the statement that writes: a message, or (without a type) only a version that a stream must have. */
export interface WrittenRow {
  readonly stream: string;
  readonly id: string | null;
  readonly type: string | null;
  readonly data: string | null;
  readonly metadata: string | null;
  readonly expected: number | null;
  /** The id of the message with that version, where its writer knows it. */
  readonly expectedId: string | null;
  /** Whether its payload is to tell the position of the row before. */
  readonly tellsPosition: boolean;
}

/** What is to be written of one commit. */
export interface Writing {
  readonly appends: readonly Append[];
  readonly once: Once;
  readonly rows: readonly WrittenRow[];
  /** The categories that Message DB locks, sorted, so that no two writers wait for each other. */
  readonly heads: readonly string[];
  /** Whether Message DB cannot be asked for what is expected (`exists`, or two different versions). */
  readonly needsLook: boolean;
}

/** All that a commit expects of one stream. */
interface Expectation {
  readonly numbers: Set<number>;
  readonly ids: Set<string>;
  exists: boolean;
}

/** What Message DB is asked to check of a stream. */
interface Checked {
  readonly expected: number | null;
  readonly expectedId: string | null;
}

const nothing: Checked = { expected: null, expectedId: null };

export function writingOf(appends: readonly Append[], once: Once): Writing {
  const expectations = expectationsOf(appends);
  const unchecked = new Map(
    [...expectations].map(([name, { numbers, ids }]): [string, Checked] => {
      return [name, { expected: [...numbers][0] ?? null, expectedId: [...ids][0] ?? null }];
    }),
  );
  const rows: WrittenRow[] = [];
  for (const { stream: id, messages } of appends) {
    const stream = streamName(id);
    for (const message of messages) {
      rows.push(messageRow(stream, message, unchecked.get(stream) ?? nothing));
      unchecked.set(stream, nothing);
    }
  }
  for (const [stream, checked] of unchecked) if (checked.expected !== null) rows.push(checkRow(stream, checked));
  rows.push(...onceRows(once, appends));
  const needsLook = [...expectations.values()].some(
    ({ numbers, ids, exists }) => exists || numbers.size > 1 || ids.size > 1,
  );
  const heads = [...new Set(rows.map(({ stream }) => stream.split("-", 1)[0] as string))].sort();
  return { appends, once, rows, heads, needsLook };
}

function expectationsOf(appends: readonly Append[]): ReadonlyMap<string, Expectation> {
  const expectations = new Map<string, Expectation>();
  for (const { stream, expectedVersion: expected, expectedId } of appends) {
    const name = nameOf(stream);
    const known = expectations.get(name) ?? { numbers: new Set<number>(), ids: new Set<string>(), exists: false };
    expectations.set(name, known);
    if (expected === "exists") known.exists = true;
    else if (expected !== "any") known.numbers.add(expected === "none" ? -1 : expected);
    if (typeof expected === "number" && expectedId !== undefined) known.ids.add(uuidOf(expectedId));
  }
  return expectations;
}

function messageRow(stream: string, message: NewMessage, checked: Checked): WrittenRow {
  const { type, correlationId, causationId, traceparent } = message;
  for (const text of [type, correlationId, causationId ?? "", traceparent ?? ""]) assertStorable(text);
  return { stream, ...writtenMessage(message), ...checked, tellsPosition: false };
}

function checkRow(stream: string, checked: Checked): WrittenRow {
  return { stream, id: null, type: null, data: null, metadata: null, ...checked, tellsPosition: false };
}

/** Beside the first stream, whose category is locked anyway or hardly ever; their ids are what makes them unique. */
function onceRows({ claim, step }: Once, appends: readonly Append[]): WrittenRow[] {
  const [first] = appends;
  if (first === undefined) return [];
  const category = `${headOf({ ...first.stream, kind: "event" })}:${onceSuffix}`;
  const row = (id: string, type: string, data: object): WrittenRow => ({
    stream: `${category}-${id}`,
    id,
    type,
    data: JSON.stringify(data),
    metadata: null,
    ...nothing,
    tellsPosition: true,
  });
  return [
    ...(claim === undefined ? [] : [row(claim.id, "CommandProcessed", { ...claim.of })]),
    ...(step === undefined ? [] : [row(step.id, "EventHandled", { name: step.of.name, handled: step.of.position })]),
  ];
}

function nameOf(stream: StreamId): string {
  for (const text of [stream.tenant, stream.category, stream.id]) assertStorable(text);
  return streamName(stream);
}

function assertStorable(text: string): void {
  if (isStorable(text)) return;
  throw new NereusError("OPTION_INVALID", `PostgreSQL cannot store ${JSON.stringify(text)}`, {
    fix: "Leave NUL and lone surrogates out of identities, categories, tenants, types and correlations.",
  });
}
