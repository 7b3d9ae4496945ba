import { AssertionError } from "node:assert";
import { fileURLToPath } from "node:url";

/** How far a scenario has come. */
export interface Progress {
  /** What was done last. */
  readonly outcome: Outcome | undefined;
  /** Whether its refusal was expected. */
  readonly isRefusalExpected: boolean;
}

/** What became of what was done. */
export interface Outcome {
  readonly result: unknown;
  /** Why it was refused; undefined if it was accepted. */
  readonly error: { readonly reason: unknown } | undefined;
  /** The events that it appended or raised. */
  readonly events: readonly object[];
}

/** One step of a scenario. Each runs once, after the one before it, however many follow. */
export class Step<P extends Progress> {
  readonly #run: () => Promise<P>;
  readonly #site: Error;
  #isFollowed = false;
  #progress: Promise<P> | undefined;
  #end: Promise<unknown> | undefined;

  constructor(run: () => Promise<P>) {
    this.#run = run;
    this.#site = new Error("of the scenario"); // formatted only if the step fails
  }

  /** The step after this one. It begins by itself: a scenario that nobody awaits must not pass for that. */
  next(work: (before: P) => P | Promise<P>): Step<P> {
    this.#isFollowed = true;
    const step: Step<P> = new Step(async () => work(await this.progress()));
    queueMicrotask(() => {
      if (!step.#isFollowed) void step.end();
    });
    return step;
  }

  progress(): Promise<P> {
    this.#progress ??= this.#run().catch((error: unknown) => {
      throw located(error, this.#site);
    });
    return this.#progress;
  }

  /** The answer, if the scenario ends here: what was refused unexpectedly fails it. */
  end(): Promise<unknown> {
    this.#end ??= this.progress().then((progress) => {
      assertAccepted(progress);
      return progress.outcome?.result;
    });
    return this.#end;
  }
}

/** @throws what was thrown, if something was refused and nobody expected it */
export function assertAccepted({ outcome, isRefusalExpected }: Progress): void {
  if (outcome?.error !== undefined && !isRefusalExpected) throw outcome.error.reason;
}

const folder = new URL(".", import.meta.url);
const paths = [folder.href, fileURLToPath(folder)];
const placed = new WeakSet<object>();

/** A failed expectation shows where it was written, not where it was found out. */
function located(error: unknown, site: Error): unknown {
  if (!(error instanceof AssertionError) || placed.has(error)) return error;
  placed.add(error);
  const frames = (site.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  const own = frames.filter((frame) => !paths.some((path) => frame.includes(path)));
  if (own.length > 0) error.stack = [`${error.name} [${error.code}]: ${error.message}`, ...own].join("\n");
  return error;
}
