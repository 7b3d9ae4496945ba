// Runs every `check:*` script of package.json at once: all that can be said about the code without running its tests.
// Silent when good, but for what was measured; otherwise what each script that failed printed, and exit code 1.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

const root = new URL("..", import.meta.url);
const { scripts } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));

const checks = Object.entries<string>(scripts).filter(([name]) => name.startsWith("check:"));
const reports = await Promise.all(checks.map(([name, command]) => run(name, command)));
for (const { failed, text } of reports) {
  if (failed) process.exitCode = 1;
  if (text !== "") (failed ? console.error : console.log)(text);
}

/** What the command printed if it failed, or else the lines in which it says what it measured. */
function run(name: string, command: string): Promise<{ readonly failed: boolean; readonly text: string }> {
  const { promise, resolve } = Promise.withResolvers<{ readonly failed: boolean; readonly text: string }>();
  const child = spawn(command, { cwd: root, shell: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  }
  child.on("close", (code) => {
    const measured = output.split("\n").filter((line) => line.startsWith("measured: "));
    const text = code === 0 ? measured.join("\n") : `--- npm run ${name}\n${output.trimEnd()}\n`;
    resolve({ failed: code !== 0, text });
  });
  return promise;
}
