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
