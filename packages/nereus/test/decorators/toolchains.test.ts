import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { transform as transformBySwc } from "@swc/core";
import { build, transform as transformByEsbuild } from "esbuild";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/places.ts";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const fixture = fileURLToPath(new URL("fixtures/order.ts", import.meta.url));

const printed = `new: draft 0 -1
placed: placed 100 0 1 true
unknown event: NotImplementedError APPLY_HANDLER_MISSING
outside: STATE_CHANGED_OUTSIDE_APPLY
rule: INVARIANT_FAILED
still: placed 100 0 1
open: 1
reloaded: placed 250 0
open: 0
row: 250
letters: cancelled at version 1
reloaded: placed 50 0
desk: order 50, 0 open before; cancelled by another system
open: 0
late: DOMAIN_ALREADY_STARTED DOMAIN_ALREADY_STARTED
`;

interface Mode {
  readonly mode: string;
  readonly isLegacy: boolean;
}
const modes: readonly Mode[] = [
  { mode: "standard", isLegacy: false },
  { mode: "legacy", isLegacy: true },
];

/** Where a user's program is: with its own tsconfig, and what it depends on installed. */
function programFolder({ isLegacy }: Mode): string {
  const folder = temporaryFolder();
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  cpSync(fixture, join(folder, "order.ts"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const compilerOptions = {
    strict: true,
    module: "nodenext",
    target: "es2022",
    lib: ["es2024"],
    types: ["node"],
    skipLibCheck: true,
    experimentalDecorators: isLegacy,
    customConditions: ["@nereus/source"],
    preserveSymlinks: true,
    outDir: "out",
    rootDir: ".",
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["order.ts"] }));
  return folder;
}

async function node(cwd: string, ...parameters: string[]): Promise<string> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const options = ["--no-warnings", "--conditions=@nereus/source", ...parameters];
  const { stdout } = await promisify(execFile)(process.execPath, options, { cwd, env });
  return stdout;
}

/** Compiles the fixture in a folder, and returns how node runs it. */
const tools: Readonly<Record<string, (folder: string, mode: Mode) => Promise<readonly string[]>>> = {
  async tsc(folder) {
    await node(folder, join(root, "node_modules/typescript/bin/tsc"), "-p", ".", "--noCheck");
    return ["out/order.js"];
  },
  async tsx() {
    return ["--import", "tsx", "order.ts"];
  },
  async esbuild(folder, { isLegacy }) {
    const tsconfigRaw = { compilerOptions: { experimentalDecorators: isLegacy } };
    const { code } = await transformByEsbuild(sourceIn(folder), { loader: "ts", target: "es2022", tsconfigRaw });
    return [written(folder, code)];
  },
  async swc(folder, { isLegacy }) {
    const { code } = await transformBySwc(sourceIn(folder), {
      configFile: false,
      swcrc: false,
      jsc: {
        target: "es2022",
        parser: { syntax: "typescript", decorators: true },
        transform: isLegacy ? { legacyDecorator: true } : { decoratorVersion: "2023-11" },
      },
    });
    return [written(folder, code)];
  },
  async "a minified esbuild bundle"(folder, { isLegacy }) {
    await build({
      absWorkingDir: folder,
      entryPoints: ["order.ts"],
      outfile: join(folder, "out/order.js"),
      bundle: true,
      minify: true,
      keepNames: false,
      platform: "node",
      format: "esm",
      target: "es2022",
      conditions: ["@nereus/source"],
      tsconfigRaw: { compilerOptions: { experimentalDecorators: isLegacy } },
    });
    const sql = "packages/nereus/src/adapters/sqlite/sql"; // read from beside the code
    cpSync(join(root, sql), join(folder, "out/sql"), { recursive: true });
    const isNamed = /class (OrderPlaced|OrderCommands|Letters)\b/.test(
      readFileSync(join(folder, "out/order.js"), "utf8"),
    );
    expect(isNamed, "a class kept its name").toBe(false);
    return ["out/order.js"];
  },
};

function sourceIn(folder: string): string {
  return readFileSync(join(folder, "order.ts"), "utf8");
}

function written(folder: string, code: string): string {
  mkdirSync(join(folder, "out"));
  writeFileSync(join(folder, "out/order.js"), code);
  return "out/order.js";
}

describe.each(modes)("$mode decorators", (mode) => {
  test.each(Object.entries(tools))("the example runs when compiled by %s", { timeout: 180_000 }, async (_, compile) => {
    const folder = programFolder(mode);
    const command = await compile(folder, mode);
    expect(await node(folder, ...command)).toBe(printed);
    expect(await node(folder, ...command, join(folder, "shop.db"))).toBe(printed);
  });

  test("the example and the type tests compile", { timeout: 180_000 }, async () => {
    const folder = temporaryFolder();
    const types = fileURLToPath(new URL("../types/decorators.test-d.ts", import.meta.url));
    const settings = {
      extends: join(root, "tsconfig.json"),
      compilerOptions: { experimentalDecorators: mode.isLegacy, typeRoots: [join(root, "node_modules/@types")] },
      files: [fixture, types],
      include: [],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings));
    const tsc = node(folder, join(root, "node_modules/typescript/bin/tsc"), "-p", ".", "--pretty", "false");
    expect(await tsc.catch((error: { stdout: string }) => error.stdout)).toBe("");
  });
});
