/** Starts the process of a cell, waits for its answer, and ends it when it takes too long. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Answer, Question } from "./cell.ts";

const cell = fileURLToPath(new URL("./cell.ts", import.meta.url));

/** Peers print their errors on standard output: it is not shown, and its last line of standard error explains a crash. */
export function ask(question: Question, seconds: number): Promise<Answer> {
  return new Promise((resolve) => {
    const child = fork(cell, [JSON.stringify(question)], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      serialization: "advanced", // JSON has no NaN
    });
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
