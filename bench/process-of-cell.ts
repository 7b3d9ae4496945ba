/** Starts the process of a cell, waits for its answer, and ends it when it takes too long. */
import { fork } from "node:child_process";
import { closeSync, cpSync, fsyncSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Answer, Question } from "./cell.ts";

const cell = fileURLToPath(new URL("./cell.ts", import.meta.url));

/** Peers print their errors on standard output: it is not shown, and its last line of standard error explains a crash. */
export function ask(question: Question, seconds: number): Promise<Answer> {
  return new Promise((resolve) => {
    const child = fork(cell, [JSON.stringify(question)], { stdio: ["ignore", "ignore", "pipe", "ipc"] });
    let said = "";
    let answer: Answer | undefined;
    const limit = setTimeout(() => {
      answer ??= { fault: `no answer within ${Math.round(seconds)} s` };
      child.kill("SIGKILL");
    }, seconds * 1_000);
    child.stderr?.on("data", (chunk) => {
      said = (said + chunk).slice(-2_000);
    });
    child.on("message", (message) => {
      answer ??= message as Answer;
    });
    child.on("exit", (code, signal) => {
      clearTimeout(limit);
      resolve(answer ?? { fault: `ended with ${code ?? signal}: ${said.trim().split("\n").at(-1) ?? ""}` });
    });
  });
}

/** A directory under the system's temporary one, removed when the script ends, however it ends. */
export class Ground {
  readonly #root = mkdtempSync(join(tmpdir(), "nereus-bench-"));
  #next = 0;

  constructor() {
    process.on("exit", () => this.remove(this.#root));
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));
  }

  empty(): string {
    const directory = join(this.#root, String(this.#next++));
    mkdirSync(directory);
    return directory;
  }

  /** The copy is flushed, so that its writing does not burden the fsyncs of the cell. */
  copy(from: string): string {
    const directory = this.empty();
    cpSync(from, directory, { recursive: true });
    for (const file of readdirSync(directory)) {
      const descriptor = openSync(join(directory, file), "r+");
      fsyncSync(descriptor);
      closeSync(descriptor);
    }
    return directory;
  }

  remove(directory: string): void {
    rmSync(directory, { recursive: true, force: true });
  }
}
