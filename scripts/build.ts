// Builds packages/nereus/dist from an empty folder, so that no file of an earlier build is published, and puts beside it what
// the package ships and the repository keeps at its root.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const source = `${root}/packages/nereus/src`;
const dist = `${root}/packages/nereus/dist`;

rmSync(dist, { recursive: true, force: true });
const { status } = spawnSync("tsc", ["-p", "packages/nereus/tsconfig.build.json"], { cwd: root, stdio: "inherit" });
// The compiler leaves SQL behind; the code reads it from beside itself.
for (const file of globSync("**/*.sql", { cwd: source })) cpSync(`${source}/${file}`, `${dist}/${file}`);
const shipped = ["README.md", "CHANGELOG.md", "LICENSE", "docs"];
for (const part of shipped) {
  rmSync(`${root}/packages/nereus/${part}`, { recursive: true, force: true });
  cpSync(`${root}/${part}`, `${root}/packages/nereus/${part}`, { recursive: true });
}
for (const page of globSync(["*.md", "docs/**/*.md"], { cwd: `${root}/packages/nereus` })) unlinkAbsent(page);

/** Leaves only the words of links to what the package does not ship. */
function unlinkAbsent(page: string): void {
  const path = `${root}/packages/nereus/${page}`;
  const text = readFileSync(path, "utf8");
  const linked = text.replace(/\[([^\]]*)\]\(([^)#:]+)(#[^)]*)?\)/g, (link, words: string, target: string) =>
    existsSync(join(dirname(path), target)) ? link : words,
  );
  writeFileSync(path, linked);
}
process.exitCode = status ?? 1;
