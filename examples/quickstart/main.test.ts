import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const main = fileURLToPath(new URL("main.ts", import.meta.url));

test("the example of the README is this file, word for word", async () => {
  const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  expect(/```ts\n([\s\S]*?)```/.exec(readme)?.[1]).toBe(await readFile(main, "utf8"));
});

test("the example runs twice on the same file, and refuses the overdraft", async () => {
  const folder = await mkdtemp(join(tmpdir(), "nereus-quickstart-"));
  try {
    for (const _ of ["first", "again"]) {
      const run = promisify(execFile)(process.execPath, ["--conditions=@nereus/source", main], { cwd: folder });
      expect(await run).toEqual({
        stdout: expect.stringMatching(/^Account [\da-f-]{36}: Insufficient funds\n$/),
        stderr: "",
      });
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
