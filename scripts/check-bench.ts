// Compiles bench/ against the package as it was just built. It has dependencies of its own, which are installed without
// their scripts (nothing is compiled or fetched besides) unless they are there already.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly optional?: boolean }>>;
}

const root = fileURLToPath(new URL("..", import.meta.url));
const bench = new URL("../bench/", import.meta.url);

if (!isInstalled()) run("npm", ["ci", "--ignore-scripts", "--loglevel=error", "--no-audit", "--no-fund"], bench);
run("tsc", ["-p", "bench/tsconfig.json"], root);

function isInstalled(): boolean {
  const installed = new URL("node_modules/.package-lock.json", bench);
  if (!existsSync(installed)) return false;
  const { packages } = lockAt(installed);
  return Object.entries(lockAt(new URL("package-lock.json", bench)).packages).every(
    ([path, { version, optional }]) =>
      !path.startsWith("node_modules/") || optional === true || packages[path]?.version === version,
  );
}

function lockAt(path: URL): Lock {
  return JSON.parse(readFileSync(path, "utf8")) as Lock;
}

function run(command: string, options: readonly string[], cwd: string | URL): void {
  const { status } = spawnSync(command, options, { cwd, stdio: "inherit", shell: process.platform === "win32" });
  if (status !== 0) process.exit(status ?? 1);
}
