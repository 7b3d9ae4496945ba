import { execFile } from "node:child_process";
import { cpSync, globSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const root: string = fileURLToPath(new URL("../../../..", import.meta.url));

/** Runs a program as a user would: without the options of the test runner. */
export async function run(cwd: string, program: string, ...parameters: string[]): Promise<string> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const path = [join(root, "node_modules/.bin"), env["PATH"]].join(delimiter);
  const options = { cwd, env: { ...env, PATH: path, npm_config_update_notifier: "false" } };
  try {
    const { stdout } = await promisify(execFile)(program, parameters, options);
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${parameters.join(" ")}\n${stdout}\n${stderr}`, { cause: error });
  }
}

/** What the repository keeps at its root, and the package ships. */
export const shipped: readonly string[] = [
  "README.md",
  "CHANGELOG.md",
  "LICENSE",
  ...globSync("docs/**/*.md", { cwd: root }),
];

/** Builds and packs a copy of the sources, so that the working tree's own dist is left alone. */
export async function pack(folder: string): Promise<string> {
  const copy = join(folder, "workspace");
  for (const part of ["tsconfig.json", "scripts/build.ts", "package.json", ...shipped])
    cpSync(join(root, part), join(copy, part));
  for (const part of readdirSync(join(root, "packages/nereus"))) {
    if (["dist", "test", "node_modules", "README.md", "CHANGELOG.md", "LICENSE", "docs"].includes(part)) continue;
    cpSync(join(root, "packages/nereus", part), join(copy, "packages/nereus", part), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  await run(copy, process.execPath, "scripts/build.ts");
  const packed = await run(
    join(copy, "packages/nereus"),
    "npm",
    "pack",
    "--ignore-scripts",
    "--json",
    "--pack-destination",
    folder,
  );
  const [{ filename }] = JSON.parse(packed);
  return join(folder, filename);
}

/** An application beside which the packed package is installed, with the seed example in it. */
export async function packedApp(folder: string): Promise<{ readonly app: string; readonly archive: string }> {
  const archive = await pack(folder);
  const app = join(folder, "app");
  const installed = join(app, "node_modules/nereus");
  mkdirSync(installed, { recursive: true });
  await run(folder, "tar", "-xzf", archive, "-C", installed, "--strip-components", "1");
  for (const name of ["zod", "@types", "undici-types"])
    symlinkSync(join(root, "node_modules", name), join(app, "node_modules", name));
  for (const file of ["bank.ts", "main.ts"]) cpSync(join(root, "packages/nereus/test/seed", file), join(app, file));
  writeFileSync(join(app, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(app, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["main.ts"] }));
  return { app, archive };
}

const compilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  module: "nodenext",
  target: "es2023",
  lib: ["es2024"],
  types: ["node"],
  allowImportingTsExtensions: true,
  erasableSyntaxOnly: true,
  noEmit: true,
};
