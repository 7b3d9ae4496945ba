// Runs the packed package in Bun and Deno, which are tried and not promised, and says what came of it. Not a part of `npm test`.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "nereus-smoke-"));
try {
  run(root, process.execPath, "scripts/build.ts");
  const packed = run(
    join(root, "packages/nereus"),
    "npm",
    "pack",
    "--ignore-scripts",
    "--json",
    "--pack-destination",
    folder,
  );
  const [{ filename }] = JSON.parse(packed) as [{ readonly filename: string }];
  const zod = (JSON.parse(readFileSync(join(root, "node_modules/zod/package.json"), "utf8")) as { version: string })
    .version;
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  run(folder, "npm", "install", "--no-audit", "--no-fund", `./${filename}`, `zod@${zod}`, "bun@1", "deno@2");
  for (const file of ["bank.ts", "main.ts"]) cpSync(join(root, "packages/nereus/test/seed", file), join(folder, file));
  mkdirSync(join(folder, "data"));
  report("Bun", "node_modules/.bin/bun", "main.ts", "data/bun.db");
  report("Deno", "node_modules/.bin/deno", "run", "--allow-all", "main.ts", "data/deno.db");
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function report(name: string, program: string, ...args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(join(folder, program), args, { cwd: folder, encoding: "utf8" });
  console.log(
    status === 0 ? `${name}: runs (${stdout.trim()})` : `${name}: fails\n${(stderr ?? "").trim().slice(0, 800)}`,
  );
}

function run(cwd: string, program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
  return stdout;
}
