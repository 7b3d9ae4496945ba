// What is hostile to stores, and what becomes of it.
import { isDeepStrictEqual } from "node:util";
import { Domain, isNereusError, type ProcessOptions, type Store } from "nereus";
import { expect, onTestFinished } from "vitest";
import type { EveryStoreKind } from "./every-store.ts";
import { fieldsOf, Keep, keepsakes, lookFor } from "./keepsakes.ts";
import { RecordedLog } from "./places.ts";

/** What is tried: the fields of a keepsake beside its id, or an id of its own, and how the command is processed. */
export interface Attempt {
  readonly name: string;
  readonly fields?: Partial<ConstructorParameters<typeof Keep>[0]>;
  readonly options?: ProcessOptions;
}
/** `kept`, the code of a refusal, or what is wrong. */
export type Outcome = string;

export const megabytes = "äxy".repeat(2_600_000);
/** Hard to compress, so that an index must hold it whole. */
const incompressible = (length: number): string => {
  let state = 7;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return String.fromCharCode(0x4e00 + (state % 20_000));
  }).join("");
};

/** Texts that break what is put together from text. Whether an identity, a key or a tenant may be one is said where it is tried. */
export const storable: Readonly<Record<string, string>> = {
  quotes: `'"\`''""$$ $1 ? :name`,
  "SQL that drops a table": `'; DROP TABLE "Stored"; --`,
  backslashes: "\\ \\\\ \\' \\u0000 \\x00 E'\\n'",
  wildcards: "%_*[a-z]",
  "line ends": "a\nb\r\nc\td\u2028\u2029",
  "what stream names are made of": "a-b:c+d@e/f,g%2Dh",
  "a reserved name": "__proto__",
  "another reserved name": "constructor",
  JSON: '{"a":[null]}',
  "the word null": "null",
  spaces: "  ",
  "invisible characters": "\u200b\ufeff\u00ad\u202e",
  "a character in one code point": "é",
  "the same character in two": "e\u0301",
  "the last characters of the planes": "\uffff\u{10ffff}\ue000\u{100001}",
  "the character that leads escapes": "\u0001\u{100001}",
  "an emoji of several": "👩‍👩‍👧",
};
export const unstorable: Readonly<Record<string, string>> = {
  NUL: "nul\0l",
  "a lone high surrogate": "a\ud800b",
  "a lone low surrogate": "\udfff",
};

/** An identity has at most 1,000 bytes of UTF-8. */
export const longest: Readonly<Record<string, string>> = {
  "1,000 letters": "x".repeat(1000),
  "333 han": incompressible(333),
};
export const tooLong: Readonly<Record<string, string>> = {
  "1,001 letters": "x".repeat(1001),
  "334 han": incompressible(334),
  "10 MB": megabytes,
};

const idOf = (at: number, { fields }: Attempt): string => fields?.id ?? `keepsake ${at}`;

/** A started domain of keepsakes; stopped when the test ends. */
export async function startOn(store: Store): Promise<Domain> {
  const domain = new Domain("keepsakes", { elements: keepsakes, store, log: new RecordedLog() });
  await domain.start();
  onTestFinished(() => domain.stop());
  return domain;
}

/** What becomes of each attempt: kept exactly, as a fresh domain finds it, or refused with a code and nothing written. */
export async function outcomesOn(kind: EveryStoreKind, attempts: readonly Attempt[]): Promise<Outcome[]> {
  const store = await kind.open();
  const writing = store();
  const writer = await startOn(writing);
  const refusals = new Map<Attempt, Outcome>();
  for (const [at, attempt] of attempts.entries()) {
    const before = await writing.log.head();
    try {
      const command = new Keep({ ...attempt.fields, id: idOf(at, attempt) });
      expect(await writer.process(command, attempt.options)).toBe(command.text);
    } catch (error) {
      const head = await writing.log.head();
      if (!isNereusError(error)) throw new Error(`${attempt.name} is refused without a code`, { cause: error });
      refusals.set(attempt, head === before ? error.code : `${error.code}, but something was written`);
    }
  }
  await writer.settle();
  await writer.stop();
  const reader = await startOn(store());
  const outcomes: Outcome[] = [];
  for (const [at, attempt] of attempts.entries()) {
    const refusal = refusals.get(attempt);
    const kept = await whatIsKept(reader, idOf(at, attempt), attempt, refusal === undefined).catch((error: unknown) =>
      refusal !== undefined && isNereusError(error) ? "nothing" : `not read: ${String(error)}`,
    );
    outcomes.push(refusal === undefined ? kept : kept === "nothing" ? refusal : `${refusal}, but ${kept}`);
  }
  return outcomes;
}

async function whatIsKept(domain: Domain, id: string, attempt: Attempt, isExpected: boolean): Promise<Outcome> {
  const { fields, options = {} } = attempt;
  const found = await lookFor(domain, id, options);
  const { metadata, code, parts, ...kept } = found;
  if (!isExpected) return Object.values(found).every((part) => part === undefined) ? "nothing" : "something is kept";
  const command = new Keep({ ...fields, id });
  const wanted = fieldsOf({ ...command, ...fields, id });
  for (const [where, part] of Object.entries(kept)) if (!isDeepStrictEqual(part, wanted)) return `changed: ${where}`;
  if (code !== (fields?.code ?? null)) return "changed: code";
  if (!isDeepStrictEqual(parts, fields?.parts ?? [])) return "changed: parts";
  for (const name of ["correlationId", "causationId", "extensions"] as const) {
    const given = options[name];
    if (given !== undefined && name !== "causationId" && !isDeepStrictEqual(metadata?.[name], given))
      return `changed: ${name}`;
  }
  if (options.idempotencyKey !== undefined) {
    const again = await domain.process(command, options);
    if (again !== command.text) return "changed: the repeated answer";
  }
  return "kept";
}
