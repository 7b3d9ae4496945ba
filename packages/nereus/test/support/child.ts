import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

export interface Child {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  /** Everything it has printed, in whole lines. */
  readonly lines: readonly string[];
  /** Waits for the child to have printed so many lines in all. */
  printed(count: number): Promise<void>;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
}

/** Runs a script in a process of its own, as another user if a uid is given. */
export function startChild(script: URL, args: readonly string[], uid?: number): Child {
  const child = spawn(
    process.execPath,
    ["--no-warnings", "--conditions=@nereus/source", fileURLToPath(script), ...args],
    {
      stdio: ["pipe", "pipe", "inherit"],
      ...(uid === undefined ? {} : { uid, gid: uid }),
    },
  );
  const lines: string[] = [];
  let rest = "";
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    const resolves = waiting;
    waiting = [];
    for (const resolve of resolves) resolve();
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
    wake();
  });
  const ended = new Promise<number | string | null>((resolve) => {
    child.on("close", (code, signal) => {
      resolve(code ?? signal);
      wake();
    });
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  return {
    process: child,
    lines,
    ended,
    async printed(count) {
      while (lines.length < count) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`${script.pathname} ended: ${lines.join("\n")}`);
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
  };
}
