/** Runs the claims one after another with the same options. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

for (const script of ["append.ts", "command.ts", "hydration.ts", "catch-up.ts", "postgres.ts"]) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const { status } = spawnSync(process.execPath, [path, ...process.argv.slice(2)], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
