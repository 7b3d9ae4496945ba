// Builds packages/nereus/dist from an empty folder, so that no file of an earlier build is published, and puts beside it what
// the package ships and the repository keeps at its root.
import { spawnSync } from "node:child_process";
import { cpSync, globSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const source = `${root}/packages/nereus/src`;
const dist = `${root}/packages/nereus/dist`;

rmSync(dist, { recursive: true, force: true });
const { status } = spawnSync("tsc", ["-p", "packages/nereus/tsconfig.build.json"], { cwd: root, stdio: "inherit" });
// The compiler leaves SQL behind; the code reads it from beside itself.
for (const file of globSync("**/*.sql", { cwd: source })) cpSync(`${source}/${file}`, `${dist}/${file}`);
for (const shipped of ["README.md", "LICENSE", "docs/reference"]) {
  rmSync(`${root}/packages/nereus/${shipped}`, { recursive: true, force: true });
  cpSync(`${root}/${shipped}`, `${root}/packages/nereus/${shipped}`, { recursive: true });
}
process.exitCode = status ?? 1;
