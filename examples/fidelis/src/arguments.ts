import { parseArgs } from "node:util";
import { isCalendarDate } from "./ledger/calendar.ts";

/** What to do with a ledger that has broken lines: book nothing at all, or all the others. */
export type OnError = "refuse" | "skip";

export interface ImportArguments {
  readonly command: "import";
  readonly source: { readonly file: string } | { readonly seed: number };
  readonly onError: OnError;
  readonly store: string;
}

export interface QuestionArguments {
  readonly command: "balance" | "history" | "statement";
  readonly accountId: string;
  /** For `balance` only. */
  readonly on?: string;
  readonly store: string;
}

export type Arguments = ImportArguments | QuestionArguments | { readonly command: "help" };

/** The command line cannot be understood; exit code 2. */
export class UsageError extends Error {
  readonly code = "USAGE";
}

export const usage = `Usage: npm start -- [command] [flags]

  import                      import a ledger and print the report (what happens without a command)
    --file PATH                 the ledger, as CSV; without it a ledger is generated from a seed
    --seed NUMBER               seed of the generated ledger, 1 if not given
    --on-error refuse|skip      a broken line: book nothing (refuse, the default), or book all the others (skip)
  balance ACCOUNT             the balance of an account
    --on YYYY-MM-DD             as it was at the end of that day
  history ACCOUNT             the events of an account
  statement ACCOUNT           its transactions with the running balance
  help                        this text

  --store PATH                the database file, or postgresql://…; else the environment variable FIDELIS_STORE;
                              else fidelis.db for a file, fidelis-demo.db for the generated ledger
`;

export const fileStore = "fidelis.db";
export const demoStore = "fidelis-demo.db";

const DEFAULT_SEED = 1;
const flagsOf: Readonly<Record<string, readonly string[]>> = {
  import: ["file", "seed", "on-error", "store"],
  balance: ["on", "store"],
  history: ["store"],
  statement: ["store"],
  help: [],
};

export interface Surroundings {
  /** The environment variable. */
  readonly FIDELIS_STORE?: string | undefined;
  /** Whether a file exists: questions go to the store of a file if there is one, else to the demo's. */
  readonly exists?: (path: string) => boolean;
}

/** Reads the command line, or throws UsageError. */
export function parseArguments(words: readonly string[], surroundings: Surroundings = {}): Arguments {
  const { values, positionals, help } = split(words);
  const [command = "import", ...rest] = positionals;
  const allowed = Object.hasOwn(flagsOf, command) ? flagsOf[command] : undefined;
  if (allowed === undefined) throw new UsageError(`Unknown command: ${command}`);
  if (help || command === "help") return { command: "help" };
  for (const flag of values.keys()) {
    if (!allowed.includes(flag)) throw new UsageError(`--${flag} does not go with ${command}`);
  }
  return command === "import"
    ? importArguments(rest, values, surroundings)
    : questionArguments(command as QuestionArguments["command"], rest, values, surroundings);
}

interface Words {
  readonly values: ReadonlyMap<string, string>;
  readonly positionals: readonly string[];
  readonly help: boolean;
}

/** parseArgs in its lenient mode, because the messages of its strict mode speak of its own options. */
function split(words: readonly string[]): Words {
  const known = new Set(Object.values(flagsOf).flat());
  const options = Object.fromEntries([...known].map((flag) => [flag, { type: "string" as const }]));
  const { tokens, positionals } = parseArgs({
    args: [...words],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: { ...options, help: { type: "boolean", short: "h" } },
  });
  const values = new Map<string, string>();
  let help = false;
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    if (token.name === "help" && token.value === undefined) help = true;
    else if (!known.has(token.name)) throw new UsageError(`Unknown flag: ${token.rawName}`);
    else if (values.has(token.name)) throw new UsageError(`${token.rawName} is given twice`);
    else values.set(token.name, valueGiven(token));
  }
  return { values, positionals, help };
}

function valueGiven(token: { rawName: string; value?: string | undefined; inlineValue?: boolean | undefined }): string {
  const { rawName, value = "", inlineValue } = token;
  if (value === "" || (inlineValue !== true && /^--?[a-z]/.test(value)))
    throw new UsageError(`${rawName} needs a value`);
  return value;
}

function importArguments(
  rest: readonly string[],
  values: Words["values"],
  surroundings: Surroundings,
): ImportArguments {
  if (rest.length > 0) throw new UsageError(`import takes no further word: ${rest.join(" ")}`);
  const file = values.get("file");
  if (file !== undefined && values.has("seed")) throw new UsageError("--file and --seed exclude each other");
  const onError = values.get("on-error") ?? "refuse";
  if (onError !== "refuse" && onError !== "skip")
    throw new UsageError(`--on-error takes refuse or skip, not ${onError}`);
  const source = file === undefined ? { seed: seedOf(values.get("seed")) } : { file };
  return {
    command: "import",
    source,
    onError,
    store: storeOf(values, surroundings, file === undefined ? demoStore : fileStore),
  };
}

function seedOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_SEED;
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed > 0xffff_ffff) {
    throw new UsageError(`--seed takes a whole number from 0 to 4294967295, not ${text}`);
  }
  return seed;
}

function questionArguments(
  command: QuestionArguments["command"],
  rest: readonly string[],
  values: Words["values"],
  surroundings: Surroundings,
): QuestionArguments {
  const [accountId, ...more] = rest;
  if (accountId === undefined) throw new UsageError(`${command} needs the number of an account`);
  if (more.length > 0) throw new UsageError(`${command} takes one account: ${more.join(" ")} is too much`);
  if (!/^[1-9]\d{0,17}$/.test(accountId)) throw new UsageError(`Not the number of an account: ${accountId}`);
  const on = values.get("on");
  if (on !== undefined && !isCalendarDate(on)) throw new UsageError(`--on takes a date such as 1993-12-31, not ${on}`);
  const fallback = surroundings.exists?.(fileStore) === false && surroundings.exists(demoStore) ? demoStore : fileStore;
  const store = storeOf(values, surroundings, fallback);
  return { command, accountId, store, ...(on === undefined ? {} : { on }) };
}

function storeOf(values: Words["values"], { FIDELIS_STORE }: Surroundings, fallback: string): string {
  return values.get("store") ?? (FIDELIS_STORE === undefined || FIDELIS_STORE === "" ? fallback : FIDELIS_STORE);
}
