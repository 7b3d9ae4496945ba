import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { missingPostgres, type TestDatabase, testDatabase } from "../../../packages/nereus/test/support/postgres.ts";
import { generateRows } from "../src/ledger/generate.ts";
import type { LedgerRow } from "../src/ledger/ledger.ts";
import { formatCount, formatMoney } from "../src/money.ts";
import { CommandLine, type Ended } from "./command-line.ts";
import { csvLine, csvText } from "./csv-text.ts";

const TIMEOUT = 120_000;
const rows: readonly LedgerRow[] = [...generateRows({ seed: 1 })];
const small = rows.slice(0, 400);

let folder: string;
let files = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "fidelis-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function path(extension: string): string {
  files += 1;
  return join(folder, `${files}.${extension}`);
}

function start(...words: string[]): CommandLine {
  return new CommandLine(words, { cwd: folder });
}

async function run(...words: string[]): Promise<Ended> {
  return await start(...words).ended();
}

/** A file of the given lines, imported into the store. */
async function importing(lines: readonly string[], store: string, ...words: string[]): Promise<Ended> {
  const file = path("csv");
  writeFileSync(file, csvText(lines));
  return await run("--file", file, "--store", store, ...words);
}

/** The figure that a report or answer prints after a label. */
function figure(text: string, label: string): string | undefined {
  return new RegExp(`^ *${label} +(\\S+)`, "m").exec(text)?.[1];
}

function totalOf(of: readonly LedgerRow[]): string {
  return formatMoney(of.reduce((sum, row) => sum + (row.kind === "credit" ? row.amount : -row.amount), 0));
}

function expectAllOf(of: readonly LedgerRow[], { stdout }: Ended): void {
  const accounts = new Set(of.map((row) => row.accountId)).size;
  expect(figure(stdout, "Accounts")).toBe(formatCount(accounts));
  expect(figure(stdout, "Transactions")).toBe(formatCount(of.length));
  expect(figure(stdout, "Total of balances")).toBe(totalOf(of));
  expect(figure(stdout, "within 0\\.00")).toBe(formatCount(accounts));
  expect(figure(stdout, "more than that")).toBe("0");
}

describe("without a file", { timeout: TIMEOUT }, () => {
  let first: Ended;

  beforeAll(async () => {
    first = await run();
  }, TIMEOUT);

  it("imports the generated ledger and reports it", () => {
    expect(first).toMatchObject({ exitCode: 0, stderr: "" });
    expectAllOf(rows, first);
    expect(first.stdout).toContain("11,975 imported now, 0 already there");
    expect(figure(first.stdout, "Throughput")).toMatch(/^[\d,]+$/);
    expect(figure(first.stdout, "Slowest booking")).toMatch(/^\d+\.\d$/);
  });

  it("shows few lines of progress in a pipe", () => {
    expect(first.stdout.match(/^Importing +\d+ %/gm)?.length).toBe(5);
    expect(first.stdout).not.toContain("\r");
  });

  it("keeps it in fidelis-demo.db, where questions find it", async () => {
    expect(existsSync(join(folder, "fidelis-demo.db"))).toBe(true);
    expect((await run("balance", "576")).stdout).toContain("Account 576\n");
  });

  it("imports nothing again", async () => {
    const again = await run();
    expect(again.exitCode).toBe(0);
    expectAllOf(rows, again);
    expect(again.stdout).toContain("0 imported now, 11,975 already there");
    expect(again.stdout).not.toContain("Importing");
  });

  it("answers what a balance was at the end of any day", async () => {
    const own = rows.filter((row) => row.accountId === "576");
    for (const on of ["1993-12-31", own[3]?.date ?? "", "1994-12-31"]) {
      const until = own.filter((row) => row.date <= on);
      const { exitCode, stdout } = await run("balance", "576", "--on", on);
      expect(exitCode).toBe(0);
      expect(figure(stdout, "Balance")).toBe(formatMoney(until.at(-1)?.balance ?? 0));
      expect(figure(stdout, "Printed by the bank")).toBe(formatMoney(until.at(-1)?.balance ?? 0));
      expect(figure(stdout, "Transactions")).toBe(String(until.length));
    }
  });

  it("answers the history and the statement of an account", async () => {
    const own = rows.filter((row) => row.accountId === "576");
    const history = await run("history", "576");
    expect(history.stdout).toContain(`Account 576: ${own.length + 1} events`);
    expect(history.stdout.split("\n")[2]).toMatch(/^ +0 {2}1993-\d\d-\d\d .* AccountOpened$/);
    const statement = await run("statement", "576");
    expect(statement.stdout.split("\n").filter((line) => / 199[34]-\d\d-\d\d /.test(line)).length).toBe(own.length);
    expect(statement.stdout.trimEnd().endsWith(formatMoney(own.at(-1)?.balance ?? 0))).toBe(true);
  });

  it("says so when there is no such account, or not yet", async () => {
    expect(await run("balance", "99999")).toMatchObject({
      exitCode: 1,
      stdout: "",
      stderr: "There is no account 99999 in fidelis-demo.db\n",
    });
    expect(await run("balance", "576", "--on", "1992-12-31")).toMatchObject({
      exitCode: 1,
      stdout: "",
      stderr: "There is no account 576 that was open on 1992-12-31 in fidelis-demo.db\n",
    });
  });

  it("refuses another seed in the same store, and says what to do", async () => {
    const { exitCode, stderr } = await run("--seed", "2");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("[TRANSACTION_CONFLICT]");
    expect(stderr).toContain("give each ledger a store of its own (--store PATH)");
    expectAllOf(rows, await run());
  });
});

describe("an interrupted import", { timeout: TIMEOUT }, () => {
  it("goes on where kill -9 stopped it, and books nothing twice", async () => {
    const store = path("db");
    for (const percent of ["20 %", "40 %"]) {
      const killed = await start("--store", store).signalAt(`Importing  ${percent}`, "SIGKILL");
      expect(killed.exitCode).toBeNull();
    }
    const last = await run("--store", store);
    expect(last.exitCode).toBe(0);
    const before = Number(/now, ([\d,]+) already there/.exec(last.stdout)?.[1]?.replaceAll(",", ""));
    expect(before).toBeGreaterThanOrEqual(rows.length / 5);
    expect(before).toBeLessThanOrEqual(rows.length);
    expectAllOf(rows, last);
  });

  it("ends cleanly on control-C and goes on the next time", async () => {
    const store = path("db");
    const stopped = await start("--store", store).signalAt("Importing  20 %", "SIGINT");
    expect(stopped).toMatchObject({ exitCode: 130 });
    expect(stopped.stderr).toContain("run the same command again");
    expectAllOf(rows, await run("--store", store));
  });
});

describe("a file", { timeout: TIMEOUT }, () => {
  it("is imported into the store that the environment names", async () => {
    const file = path("csv");
    const store = path("db");
    writeFileSync(file, csvText(small.map(csvLine)));
    const env = { FIDELIS_STORE: store };
    const first = await new CommandLine(["--file", file], { cwd: folder, env }).ended();
    expectAllOf(small, first);
    expect(first.stdout).toContain(`Store:   ${store}\n`);
    const answer = await new CommandLine(["balance", "501"], { cwd: folder, env }).ended();
    expect(figure(answer.stdout, "Balance")).toBe(
      formatMoney(small.filter((row) => row.accountId === "501").at(-1)?.balance ?? 0),
    );
  });

  it("may be followed by a longer one", async () => {
    const store = path("db");
    await importing(small.slice(0, 100).map(csvLine), store);
    const longer = await importing(small.map(csvLine), store);
    expectAllOf(small, longer);
    expect(longer.stdout).toContain("300 imported now, 100 already there");
  });

  it("may be followed by one that only has what is new", async () => {
    const store = path("db");
    await importing(small.slice(0, 100).map(csvLine), store);
    expectAllOf(small, await importing(small.slice(100).map(csvLine), store));
  });

  it("may repeat a line, which is booked once", async () => {
    const lines = small.map(csvLine);
    const repeated = await importing([...lines, ...lines.slice(0, 7)], path("db"));
    expectAllOf(small, repeated);
    expect(figure(repeated.stdout, "Repeated lines")).toBe("7");
  });

  it("that tells a transaction in two ways is refused", async () => {
    const lines = small.map(csvLine);
    const { exitCode, stderr } = await importing(
      [...lines, (lines[0] ?? "").replace("1993-01-01", "1993-01-02")],
      path("db"),
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain("line 402: transaction 1 is on an earlier line ");
  });

  it("with differences to the printed balances is booked as printed", async () => {
    const lines = [
      "1,7,1993-01-01,credit,,10.00,10.00,,,",
      "2,7,1993-01-02,credit,,5.00,15.10,,,",
      "3,8,1993-01-02,credit,,1.00,9.00,,,",
    ];
    const { stdout } = await importing(lines, path("db"));
    expect(figure(stdout, "Total of balances")).toBe("16.00");
    expect(figure(stdout, "within 0\\.00")).toBe("0");
    expect(figure(stdout, "within 0\\.10")).toBe("1");
    expect(figure(stdout, "more than that")).toBe("1");
    expect(figure(stdout, "account 8")).toBe("8.00");
  });

  it("without rows is imported", async () => {
    expect(await importing([], path("db"))).toMatchObject({ exitCode: 0, stderr: "" });
  });

  it.each([
    ["that is missing", undefined, "is not a file"],
    ["that is empty", "", "is empty"],
    ["with another header", "a,b\n1,2\n", "line 1: expected the header"],
  ])("%s is refused before a store is made", async (_, content, message) => {
    const file = path("csv");
    const store = path("db");
    if (content !== undefined) writeFileSync(file, content);
    const { exitCode, stdout, stderr } = await run("--file", file, "--store", store, "--on-error", "skip");
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toContain(message);
    expect(existsSync(store)).toBe(false);
  });
});

describe("a file with a broken line", { timeout: TIMEOUT }, () => {
  const lines = small.map(csvLine);
  const broken = lines.with(49, lines[49]?.replace(/,1993-\d\d-\d\d,/, ",1993-13-01,") ?? "");
  const rest = small.filter((_, index) => index !== 49);

  it("is refused as a whole unless told otherwise, and the line is named", async () => {
    const store = path("db");
    const refused = await importing(broken, store);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/^Nothing was booked: 1 line of the ledger cannot be\./);
    expect(refused.stderr).toContain('  line 51: date is "1993-13-01", expected a date such as 1993-12-31 [DATE]\n');
    expect((await importing([], store)).stdout).toMatch(/Transactions +0 /);
  });

  it("is imported but for that line if told to skip, and completed once it is mended", async () => {
    const store = path("db");
    const skipped = await importing(broken, store, "--on-error", "skip");
    expect(skipped.exitCode).toBe(0);
    expect(figure(skipped.stdout, "Transactions")).toBe(formatCount(rest.length));
    expect(figure(skipped.stdout, "Total of balances")).toBe(totalOf(rest));
    expect(skipped.stdout).toContain("Not booked: 1 line of the ledger (--on-error skip)\n  line 51: ");
    const mended = await importing(lines, store);
    expect(mended.stdout).toContain("1 imported now, 399 already there");
    expect(figure(mended.stdout, "Total of balances")).toBe(totalOf(small));
  });
});

describe("a command line that is not understood", { timeout: TIMEOUT }, () => {
  it.each([[["blance", "576"]], [["--fiel", "x"]], [["balance"]], [["--on-error", "maybe"]]])(
    "%j ends with the usage and exit code 2",
    async (words) => {
      const { exitCode, stdout, stderr } = await run(...words);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
      expect(stderr).toContain("\n\nUsage: npm start -- ");
    },
  );

  it("is helped by help", async () => {
    expect(await run("help")).toMatchObject({ exitCode: 0, stderr: "" });
  });

  it("asks for a store that is there", async () => {
    const { exitCode, stderr } = await run("balance", "576", "--store", "nowhere.db");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("There is no store nowhere.db");
    expect(existsSync(join(folder, "nowhere.db"))).toBe(false);
  });
});

/** The bank's own file lies beside the repository, where there is one. Elsewhere the generated ledger stands in for it. */
const realLedger = fileURLToPath(new URL("../../../../shared/data/transactions.csv", import.meta.url));
const hasRealLedger = existsSync(realLedger);
if (!hasRealLedger) {
  process.stderr.write(
    "The bank's own ledger is not there (../shared/data/transactions.csv): the generated one stands in.\n",
  );
}

const databases: TestDatabase[] = [];
afterAll(async () => {
  for (const database of databases) await database.drop();
}, TIMEOUT);

const places = [
  { name: "SQLite", place: async () => path("db") },
  { name: "PostgreSQL", place: placeOnServer },
].filter(({ name }) => name === "SQLite" || missingPostgres === undefined);

async function placeOnServer(): Promise<string> {
  const database = await testDatabase();
  databases.push(database);
  return database.url;
}

describe.runIf(hasRealLedger).each(places)("the bank's ledger of 1993 on $name", { timeout: TIMEOUT }, ({ place }) => {
  let store: string;

  beforeAll(async () => {
    store = await place();
  });

  it.each(["49,102 imported now, 0 already there", "0 imported now, 49,102 already there"])(
    "is booked to the heller, once: %s",
    async (booked) => {
      const { exitCode, stdout } = await run("--file", realLedger, "--store", store);
      expect(exitCode).toBe(0);
      expect(figure(stdout, "Accounts")).toBe("1,229");
      expect(figure(stdout, "Transactions")).toBe("49,102");
      expect(figure(stdout, "Total of balances")).toBe("39,246,142.80");
      const within = ["0\\.00", "0\\.10", "0\\.50"].map((limit) => figure(stdout, `within ${limit}`));
      expect(within).toEqual(["342", "1,021", "1,200"]);
      expect(stdout).toContain(booked);
    },
  );

  it("agrees with the bank on a day in between", async () => {
    const answer = await run("balance", "576", "--on", "1993-12-31", "--store", store);
    expect(figure(answer.stdout, "Balance")).toBe("23,643.40");
    expect(figure(answer.stdout, "Printed by the bank")).toBe("23,643.20");
  });

  it("is completed after kill -9", async () => {
    const interrupted = await place();
    const words = ["--file", realLedger, "--store", interrupted];
    expect((await start(...words).signalAt("Importing  40 %", "SIGKILL")).exitCode).toBeNull();
    const { stdout } = await run(...words);
    expect(figure(stdout, "Transactions")).toBe("49,102");
    expect(figure(stdout, "Total of balances")).toBe("39,246,142.80");
    expect(stdout).not.toContain(" 0 already there");
  });
});
