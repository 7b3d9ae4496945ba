import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const folder = fileURLToPath(new URL("runners", import.meta.url));
const vitest = fileURLToPath(new URL("../../../../node_modules/vitest/vitest.mjs", import.meta.url));
const passing = fileURLToPath(new URL("runners/passing.node.ts", import.meta.url));
const failing = fileURLToPath(new URL("runners/failing.node.ts", import.meta.url));
const failingInVitest = fileURLToPath(new URL("runners/failing.vitest.ts", import.meta.url));
const config = fileURLToPath(new URL("runners/vitest.config.ts", import.meta.url));

/** Runs a test runner in a process of its own, as from a terminal. */
function run(...parameters: string[]): Promise<{ code: number; output: string }> {
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, VITEST: ___, ...env } = process.env;
  const options = { cwd: folder, env: { ...env, NO_COLOR: "1", FORCE_COLOR: "0" } };
  return new Promise((resolve) => {
    execFile(process.execPath, parameters, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), output: `${stdout}${stderr}` });
    });
  });
}

const nodeTest = ["--conditions=@nereus/source", "--test", "--test-reporter=spec"];
const patience = { timeout: 180_000 };

test("node:test passes what holds", patience, async () => {
  const { code, output } = await run(...nodeTest, passing);
  expect(output).toMatch(/pass 2\b[\s\S]*fail 0\b/);
  expect(code).toBe(0);
});

test("node:test fails what does not hold, and shows where and how", patience, async () => {
  const { code, output } = await run(...nodeTest, failing);
  expect(code).toBe(1);
  expect(output).toMatch(/pass 0\b[\s\S]*fail 3\b/);
  expect(output).toMatch(
    /Other events than expected\n\s+1\. Withdrawn\n\s+amount: expected 31, but it is 30\n\s+at .*failing\.node\.ts:12/,
  );
  expect(output).toMatch(/actual: \[ \{ Withdrawn: .*\n\s+expected: \[ \{ Withdrawn: .*\n\s+operator: 'deepEqual'/);
  expect(output).toContain("Account 1: Insufficient funds");
  expect(output).toMatch(/Other events than expected\n\s+1\. Withdrawn: not expected/); // nobody awaited that one
});

test("Vitest shows the difference, and fails where an await was forgotten", patience, async () => {
  const { code, output } = await run(vitest, "run", "--root", folder, "--config", config, failingInVitest);
  expect(code).toBe(1);
  expect(output).toMatch(/Tests {2}1 failed \| 1 passed/);
  expect(output).toMatch(/^- +"amount": 31,\n\+ +"amount": 30,$/m);
  expect(output).toMatch(/failing\.vitest\.ts:12/);
  expect(output).toMatch(/Unhandled Rejection[\s\S]*Withdrawn: not expected[\s\S]*failing\.vitest\.ts:18/);
});
