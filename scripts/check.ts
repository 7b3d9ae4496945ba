// Runs every `check:*` script of package.json at once: all that can be said about the code without running its tests.
// Silent when good; otherwise what each script that failed printed, and exit code 1.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

const root = new URL("..", import.meta.url);
const { scripts } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));

const checks = Object.entries<string>(scripts).filter(([name]) => name.startsWith("check:"));
const reports = await Promise.all(checks.map(([name, command]) => run(name, command)));
for (const report of reports) {
  if (report === undefined) continue;
  console.error(report);
  process.exitCode = 1;
}

/** What the command printed if it failed, or undefined. */
function run(name: string, command: string): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const child = spawn(command, { cwd: root, shell: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  }
  child.on("close", (code) => resolve(code === 0 ? undefined : `--- npm run ${name}\n${output.trimEnd()}\n`));
  return promise;
}
