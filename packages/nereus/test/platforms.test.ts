import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packedApp, root, run } from "./support/packed.ts";

// Node's and TypeScript's other versions are installed beside the project's own, from a lock file of theirs.
const platforms = fileURLToPath(new URL("platforms", import.meta.url));
const isHere = process.platform === "linux" && process.arch === "x64";
const minute = 60_000;
let folder = "";
let app = "";

beforeAll(async () => {
  if (!isInstalled()) await run(platforms, "npm", "ci", "--ignore-scripts", "--loglevel=error");
  folder = mkdtempSync(join(tmpdir(), "nereus-platforms-"));
  ({ app } = await packedApp(folder));
}, 5 * minute);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function isInstalled(): boolean {
  const lock = join(platforms, "node_modules/.package-lock.json");
  if (!existsSync(lock)) return false;
  const versions = (path: string) => {
    const { packages } = JSON.parse(readFileSync(path, "utf8")) as { packages: Record<string, { version?: string }> };
    return Object.entries(packages).flatMap(([at, { version }]) => (at === "" ? [] : [`${at} ${version}`]));
  };
  return versions(lock).toSorted().join() === versions(join(platforms, "package-lock.json")).toSorted().join();
}

/** Runs what every store must pass on SQLite, and prints what does not. */
const conformance = `
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { conformanceCases, reasonToSkip } from "nereus/conformance";
import { sqlite } from "nereus/sqlite";
const folder = mkdtempSync("stores-");
const made = [];
const at = async (path, collections) => {
  const store = sqlite(path, { synchronous: "NORMAL" });
  made.push({ store, path });
  await store.open(collections);
  return store;
};
const pathOf = (store) => made.find((one) => one.store === store).path;
const harness = {
  create: (collections = []) => at(join(folder, made.length + ".db"), collections),
  async reopen(store, collections = []) {
    await store.close();
    return at(pathOf(store), collections);
  },
};
let passed = 0;
for (const one of conformanceCases) {
  if (reasonToSkip(one, new Set(["transactional", "durable"]), []) !== undefined) continue;
  await one.run(harness).then(() => passed++, () => console.log(one.name));
}
for (const { store } of made) await store.close();
rmSync(folder, { recursive: true });
console.log(passed > 200 ? "all passed" : "only " + passed);
`;

/** Node 22 reads a text of SQLite up to its first NUL. The framework refuses NUL in all that it stores as a text of its own. */
const readUpToNul = [
  "timers are read by their moment, then by id in the order of code points, those that are due only",
  "each owner has its own timers, and owners, ids and data hold any well-formed text",
  "notes are read by what their names begin with, in the order of code points, and hold any well-formed text",
];

describe.skipIf(!isHere)("the packed package runs on", () => {
  test.each([
    ["the least Node that is promised", "node-least", ["--experimental-strip-types"]],
    ["the newest Node", "node-newest", []],
  ])(
    "%s",
    async (_, name, options) => {
      const node = join(platforms, "node_modules", name, "bin/node");
      const { engines } = JSON.parse(readFileSync(join(root, "packages/nereus/package.json"), "utf8"));
      const version = (await run(app, node, "--version")).trim();
      if (name === "node-least") expect(`>=${version.slice(1)}`).toBe(`${engines.node}.0`);
      expect(await run(app, node, ...options, "main.ts")).toBe("seed: 576 holds 850\n");
      rmSync(join(app, "bank.db"), { force: true });
      expect(await run(app, node, ...options, "main.ts", "bank.db")).toBe("seed: 576 holds 850\n");
      writeFileSync(join(app, "conformance.mjs"), conformance);
      const failed = (await run(app, node, "conformance.mjs")).split("\n");
      expect(failed).toEqual([...(name === "node-least" ? readUpToNul : []), "all passed", ""]);
    },
    2 * minute,
  );
});

describe("the types of the packed package compile with", () => {
  test.each(["typescript-5.9", "typescript-6"])(
    "%s",
    async (name) => {
      const tsc = join(platforms, "node_modules", name, "bin/tsc");
      expect(await run(app, process.execPath, tsc, "-p", ".", "--skipLibCheck", "false")).toBe("");
      writeFileSync(
        join(app, "wrong.ts"),
        'import { Account } from "./bank.ts";\nexport const wrong: string = Account.open({ accountId: 7 });\n',
      );
      writeFileSync(join(app, "wrong.json"), '{ "extends": "./tsconfig.json", "files": ["wrong.ts"] }');
      const wrong = run(app, process.execPath, tsc, "-p", "wrong.json");
      await expect(wrong).rejects.toThrow("TS2322");
    },
    2 * minute,
  );
});
