import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryFolder } from "./support/places.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Runs a program as a user would: without the options of the test runner. */
async function run(cwd: string, program: string, ...parameters: string[]): Promise<string> {
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
const shipped = ["README.md", "CHANGELOG.md", "LICENSE", ...globSync("docs/**/*.md", { cwd: root })];

/** Builds and packs a copy of the sources, so that the working tree's own dist is left alone. */
async function pack(folder: string): Promise<string> {
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

/** The package has what its readers need and what its exports name, and nothing that is only for those who build it. */
function expectWhole(installed: string, listing: string): void {
  const files = listing
    .trim()
    .split("\n")
    .map((file) => file.replace(/^package\//, ""));
  const tops = new Set(files.map((file) => file.split("/", 1)[0]));
  expect([...tops].sort()).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "dist", "docs", "package.json", "src"]);
  expect(files.filter((file) => file.startsWith("docs/")).sort()).toEqual(shipped.slice(3).sort());
  for (const page of files.filter((file) => file.endsWith(".md"))) {
    const text = readFileSync(join(installed, page), "utf8");
    const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, target = ""]) => target);
    expect(links.filter((target) => !existsSync(join(installed, dirname(page), target)))).toEqual([]);
  }
  const words = (path: string) => readFileSync(path, "utf8").replace(/\[([^\]]*)\]\([^)]*\)/g, "$1");
  for (const file of shipped) expect(words(join(installed, file))).toBe(words(join(root, file)));
  const { exports } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  const targets = Object.values<string | Record<string, string>>(exports).flatMap((target) =>
    typeof target === "string" ? [target] : Object.values(target),
  );
  for (const target of targets) expect(files).toContain(target.replace("./", ""));
  const sources = readdirSync(join(root, "packages/nereus/src"), { recursive: true, encoding: "utf8" });
  for (const file of sources.filter((name) => name.endsWith(".sql"))) expect(files).toContain(`dist/${file}`);
  expect(files.filter((file) => /\.(test|test-d)\.|tsbuildinfo|api\.txt|tsconfig/.test(file))).toEqual([]);
}

test("the seed example runs and type-checks as printed, with the packed package and nothing but plain node", {
  timeout: 180_000,
}, async () => {
  const folder = temporaryFolder();
  const archive = await pack(folder);
  const app = join(folder, "app");
  const installed = join(app, "node_modules/nereus");
  mkdirSync(installed, { recursive: true });
  await run(folder, "tar", "-xzf", archive, "-C", installed, "--strip-components", "1");
  expectWhole(installed, await run(folder, "tar", "-tzf", archive));

  for (const name of ["zod", "@types", "undici-types"])
    symlinkSync(join(root, "node_modules", name), join(app, "node_modules", name));
  for (const file of ["bank.ts", "main.ts"]) cpSync(join(root, "packages/nereus/test/seed", file), join(app, file));
  writeFileSync(join(app, "package.json"), JSON.stringify({ type: "module" }));

  expect(await run(app, process.execPath, "main.ts")).toBe("seed: 576 holds 850\n");
  expect(await run(app, process.execPath, "main.ts", "bank.db")).toBe("seed: 576 holds 850\n");

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
  writeFileSync(join(app, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["main.ts"] }));
  const listed = await run(app, "tsc", "-p", ".", "--listFiles");
  // it was checked against the package's own declarations, not against its sources
  expect(listed).toContain("node_modules/nereus/dist/index.d.ts");
  expect(listed).not.toMatch(/nereus\/src\/.*\.ts$/m);
  writeFileSync(
    join(app, "main.ts"),
    'import { Account } from "./bank.ts";\nexport const wrong: string = Account.open({ accountId: 7 });\n',
  );
  await expect(run(app, "tsc", "-p", ".")).rejects.toThrow("TS2322");
});
