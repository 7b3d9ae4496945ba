// Installs PgBouncer for the tests, from Debian's packages, where it is missing and this process may. Says on stderr what is
// missing otherwise, and ends with 1.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The path of the program; Debian keeps it from users who are not root. */
export function pgBouncer() {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, "pgbouncer")).find(isProgram);
}

/** Why there is none, after trying to install it; undefined where there is one. */
export function whyNoPgBouncer() {
  if (pgBouncer() !== undefined) return undefined;
  if (process.getuid?.() !== 0) return "pgbouncer is not installed, and only root may install it";
  if (spawnSync("apt-get", ["--version"]).status !== 0) return "pgbouncer is not installed, and there is no apt-get";
  // At runlevel 1 the package starts no service of its own.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", "pgbouncer"]]) {
    const { stderr } = spawnSync("apt-get", ["-q", ...args], { env, encoding: "utf8", timeout: 300_000 });
    if (pgBouncer() === undefined && args[0] === "install") return `apt-get did not install pgbouncer: ${stderr}`;
  }
  return undefined;
}

/** @param {string} path */
function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = whyNoPgBouncer();
  if (missing !== undefined) {
    console.error(missing);
    process.exit(1);
  }
}
