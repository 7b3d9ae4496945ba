import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

export interface Ended {
  /** Null if a signal ended the process. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Fidelis as a user starts it, in a process of its own. */
export class CommandLine {
  readonly #process: ChildProcessByStdio<null, Readable, Readable>;
  readonly #ended: Promise<unknown[]>;
  #stdout = "";
  #stderr = "";

  constructor(words: readonly string[], { cwd, env = {} }: { cwd: string; env?: Record<string, string> }) {
    this.#process = spawn(process.execPath, ["--conditions=@nereus/source", main, ...words], {
      cwd,
      env: { ...process.env, FIDELIS_STORE: "", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#ended = once(this.#process, "close");
    this.#process.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
    });
    this.#process.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
  }

  async ended(): Promise<Ended> {
    const [exitCode] = await this.#ended;
    return { exitCode: exitCode as number | null, stdout: this.#stdout, stderr: this.#stderr };
  }

  /** Sends the signal as soon as the text was printed. */
  async signalAt(text: string, signal: NodeJS.Signals): Promise<Ended> {
    const running = (): boolean => this.#process.exitCode === null && this.#process.signalCode === null;
    while (!this.#stdout.includes(text) && running()) {
      await Promise.race([once(this.#process.stdout, "data"), this.#ended]);
    }
    this.#process.kill(signal);
    return await this.ended();
  }
}
