import { describe, expect, it } from "vitest";
import { parseArguments, UsageError } from "../src/arguments.ts";

describe("import", () => {
  it("is what happens without a command: a generated ledger, all or nothing", () => {
    expect(parseArguments([])).toEqual({
      command: "import",
      source: { seed: 1 },
      onError: "refuse",
      store: "fidelis-demo.db",
    });
  });

  it("takes a file, a store and what to do on errors", () => {
    const words = ["--file", "a.csv", "--store=b.db", "--on-error", "skip"];
    const expected = { command: "import", source: { file: "a.csv" }, onError: "skip", store: "b.db" };
    expect(parseArguments(words)).toEqual(expected);
    expect(parseArguments(["import", ...words])).toEqual(expected);
    expect(parseArguments([...words, "import"])).toEqual(expected);
  });

  it("keeps a file apart from the demo unless told otherwise", () => {
    expect(parseArguments(["--file", "a.csv"])).toMatchObject({ store: "fidelis.db" });
    expect(parseArguments(["--seed", "7"])).toMatchObject({ source: { seed: 7 }, store: "fidelis-demo.db" });
  });

  it("finds the store in the environment, and prefers the flag", () => {
    expect(parseArguments([], { FIDELIS_STORE: "env.db" })).toMatchObject({ store: "env.db" });
    expect(parseArguments(["--store", "b.db"], { FIDELIS_STORE: "env.db" })).toMatchObject({ store: "b.db" });
    expect(parseArguments([], { FIDELIS_STORE: "" })).toMatchObject({ store: "fidelis-demo.db" });
  });
});

describe("questions", () => {
  it("name an account", () => {
    expect(parseArguments(["balance", "576", "--on", "1993-12-31"])).toEqual({
      command: "balance",
      accountId: "576",
      on: "1993-12-31",
      store: "fidelis.db",
    });
    expect(parseArguments(["history", "576"])).toEqual({ command: "history", accountId: "576", store: "fidelis.db" });
    expect(parseArguments(["statement", "576", "--store", "x.db"])).toEqual({
      command: "statement",
      accountId: "576",
      store: "x.db",
    });
  });

  it("go to the demo's store where there is no other", () => {
    const only = (present: string) => ({ exists: (path: string) => path === present });
    expect(parseArguments(["balance", "576"], only("fidelis-demo.db"))).toMatchObject({ store: "fidelis-demo.db" });
    expect(parseArguments(["balance", "576"], only("fidelis.db"))).toMatchObject({ store: "fidelis.db" });
    expect(parseArguments(["balance", "576"], { exists: () => true })).toMatchObject({ store: "fidelis.db" });
    expect(parseArguments(["balance", "576"], { exists: () => false })).toMatchObject({ store: "fidelis.db" });
  });
});

describe("help", () => {
  it.each([[["help"]], [["--help"]], [["-h"]], [["balance", "--help"]], [["import", "-h"]]])("comes by %j", (words) => {
    expect(parseArguments(words)).toEqual({ command: "help" });
  });
});

describe("a wrong command line", () => {
  it.each([
    [["blance", "576"], "Unknown command: blance"],
    [["toString"], "Unknown command: toString"],
    [["transactions.csv"], "Unknown command: transactions.csv"],
    [["--fiel", "a.csv"], "Unknown flag: --fiel"],
    [["--__proto__", "x"], "Unknown flag: --__proto__"],
    [["-x"], "Unknown flag: -x"],
    [["--help=yes"], "Unknown flag: --help"],
    [["--no-file"], "Unknown flag: --no-file"],
    [["--file"], "--file needs a value"],
    [["--file", "--seed", "1"], "--file needs a value"],
    [["--store", ""], "--store needs a value"],
    [["--store="], "--store needs a value"],
    [["--file", "a", "--file", "b"], "--file is given twice"],
    [["--file", "a", "--seed", "1"], "--file and --seed exclude each other"],
    [["--seed", "one"], "--seed takes a whole number from 0 to 4294967295, not one"],
    [["--seed", "1.5"], "--seed takes a whole number from 0 to 4294967295, not 1.5"],
    [["--seed", "4294967296"], "--seed takes a whole number from 0 to 4294967295, not 4294967296"],
    [["--seed=-1"], "--seed takes a whole number from 0 to 4294967295, not -1"],
    [["--on-error", "ignore"], "--on-error takes refuse or skip, not ignore"],
    [["import", "a.csv"], "import takes no further word: a.csv"],
    [["--on", "1993-12-31"], "--on does not go with import"],
    [["balance"], "balance needs the number of an account"],
    [["balance", "576", "577"], "balance takes one account: 577 is too much"],
    [["balance", "abc"], "Not the number of an account: abc"],
    [["balance", "576", "--on", "1993-02-30"], "--on takes a date such as 1993-12-31, not 1993-02-30"],
    [["balance", "576", "--on", "yesterday"], "--on takes a date such as 1993-12-31, not yesterday"],
    [["history", "576", "--on", "1993-12-31"], "--on does not go with history"],
    [["statement", "576", "--seed", "1"], "--seed does not go with statement"],
  ])("%j is explained", (words, message) => {
    expect(() => parseArguments(words)).toThrow(new UsageError(message));
  });
});
