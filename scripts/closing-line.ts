import type { Reporter, SerializedError, TestModule } from "vitest/node";

/** A Vitest reporter that closes the output with one line, `N passed, N failed, N skipped`, whatever else was printed. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state] += 1;
      count.failed += errorsOutsideTests(module);
    }
    const line = `${count.passed} passed, ${count.failed} failed, ${count.skipped + count.pending} skipped`;
    process.once("exit", () => console.log(line));
  }
}

/** A module that cannot be loaded, or a hook that throws, fails no test of its own: count it, or a red run says "0 failed". */
function errorsOutsideTests(module: TestModule): number {
  const suites = [module, ...module.children.allSuites()];
  return suites.reduce((sum, suite) => sum + suite.errors().length, 0);
}
