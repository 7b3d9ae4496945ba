// Makes node_modules match package-lock.json. Runs before `npm start`, `npm test` and the other commands, on Node 20 or
// newer, so that a bare clone needs no separate install step; it returns at once when there is nothing to do.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MAJOR = 24;
const root = fileURLToPath(new URL("..", import.meta.url));
const modules = join(root, "node_modules");
const bin = join(modules, ".bin");
const stamp = join(modules, ".nereus-setup");

if (process.argv.includes("--stamp")) {
  writeFileSync(stamp, lockHash());
} else {
  if (!isInstalled()) install();
  if (!hasNode()) repairNode();
}

function lockHash() {
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
}

function isInstalled() {
  return existsSync(stamp) && readFileSync(stamp, "utf8") === lockHash();
}

function install() {
  console.error("Installing dependencies (npm ci; needed once, and when package-lock.json changes) ...");
  const started = Date.now();
  if (!npm("ci", "--loglevel=error", "--no-audit", "--no-fund")) {
    fail("npm ci failed (see above). Check that the npm registry can be reached, then run the command again.");
  }
  writeFileSync(stamp, lockHash());
  console.error(`Dependencies installed in ${Math.round((Date.now() - started) / 1000)} s.`);
}

/** The commands run after this one find their `node` in node_modules/.bin, or else on the PATH. */
function hasNode() {
  if (major(process.version) >= NODE_MAJOR && existsSync(process.execPath)) return true;
  const { stdout } = spawnSync(join(bin, "node"), ["--version"], { encoding: "utf8" });
  return major(stdout ?? "") >= NODE_MAJOR;
}

/** The `node` package fetches its binary in an install script, which npm may have been told to skip. */
function repairNode() {
  console.error(`Fetching Node ${NODE_MAJOR} into node_modules (its install script did not run) ...`);
  npm("rebuild", "node", "--ignore-scripts=false", "--loglevel=error");
  if (hasNode()) return;
  fail(
    `This project runs on Node ${NODE_MAJOR}, and node_modules/.bin/node is missing or older. Delete node_modules and ` +
      `run the command again, or install Node ${NODE_MAJOR} or newer and put it first on the PATH.`,
  );
}

/** @param {string} version such as "v24.21.0" */
function major(version) {
  return Number(/^v(\d+)\./.exec(version)?.[1] ?? 0);
}

/** Runs npm outside node_modules: a `node` in there would delete itself.
 * @param {string[]} args */
function npm(...args) {
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  const env = { ...process.env, PATH: path.join(delimiter) };
  const options = { cwd: root, env, stdio: ["ignore", 2, 2], shell: process.platform === "win32" };
  // @ts-expect-error spawnSync wants a tuple type for stdio, which a plain JavaScript literal does not get
  return spawnSync("npm", args, options).status === 0;
}

/** @param {string} message */
function fail(message) {
  console.error(message);
  process.exit(1);
}
