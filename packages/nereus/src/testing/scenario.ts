import { assertEvents, assertSame, failed, shortly } from "./assertion.ts";
import { assertNoClass, misuse } from "./misuse.ts";
import { refusal } from "./refusal.ts";
import { assertAccepted, type Outcome, type Progress, type Step } from "./step.ts";

/** What all scenarios can expect of what was done last; and the promise of the whole. */
export abstract class Scenario<P extends Progress> {
  readonly step: Step<P>;

  constructor(step: Step<P>) {
    this.step = step;
  }

  /** A scenario of the same kind that goes one step further. */
  protected abstract after(step: Step<P>): this;

  /** An expectation of what was done last, if it was accepted. */
  protected expect(check: (outcome: Outcome, progress: P) => void | Promise<void>): this {
    return this.check(async (progress) => {
      if (progress.outcome?.error !== undefined) throw progress.outcome.error.reason; // also one that was expected
      await check(outcomeOf(progress), progress);
    });
  }

  /** An expectation of how things are, also after a refusal that was expected. */
  protected check(check: (progress: P) => void | Promise<void>): this {
    return this.after(
      this.step.next(async (progress) => {
        assertAccepted(progress);
        await check(progress);
        return progress;
      }),
    );
  }

  /** Something to be done next, once everything before was as expected. */
  protected act(work: (before: P) => Promise<P>): Step<P> {
    return this.step.next((before) => {
      assertAccepted(before);
      return work(before);
    });
  }

  // biome-ignore lint/suspicious/noThenProperty: the word of given/when/then, and what await calls
  then(...expected: readonly unknown[]): unknown {
    for (const value of expected) assertNoClass("then", value);
    if (expected.some((value) => typeof value === "function")) {
      const [resolve, reject] = expected;
      return this.step.end().then(resolve as never, reject as never);
    }
    for (const event of expected)
      if (typeof event !== "object" || event === null) throw misuse("then", event, "events");
    return this.expect(({ events }) => assertEvents(events, expected as object[]));
  }

  catch(reject?: (reason: unknown) => unknown): Promise<unknown> {
    return this.step.end().catch(reject);
  }

  finally(run?: () => void): Promise<unknown> {
    return this.step.end().finally(run);
  }

  get [Symbol.toStringTag](): string {
    return "Scenario";
  }

  thenNothing(): this {
    return this.expect(({ events }) => assertEvents(events, []));
  }

  thenRejected(textOrCode: string): this {
    if (typeof textOrCode !== "string" || textOrCode === "")
      throw misuse("thenRejected", textOrCode, "a text or a code");
    return this.after(
      this.step.next((progress) => {
        const { error, events, result } = outcomeOf(progress);
        if (error === undefined) throw notRefused(textOrCode, events, result);
        const found = refusal(error.reason, textOrCode);
        if (!found.matches)
          throw failed(
            `Refused for another reason than "${textOrCode}":\n  ${found.shown}`,
            found.shown,
            textOrCode,
            error.reason,
          );
        assertEvents(events, [], "It was refused, but appended events");
        return { ...progress, isRefusalExpected: true };
      }),
    );
  }

  thenResult(expected: unknown): this {
    return this.expect(({ result }) => assertSame("The answer", result, expected));
  }
}

function outcomeOf({ outcome }: Progress): Outcome {
  if (outcome !== undefined) return outcome;
  throw misuse("An expectation", undefined, "something that was done: write .when(…) before it");
}

function notRefused(textOrCode: string, events: readonly object[], result: unknown): Error {
  const done =
    events.length === 0
      ? "and appended nothing"
      : `and appended:\n${events.map((event) => `  ${shortly(event)}`).join("\n")}`;
  const answer = result === undefined ? "" : `\n  answer: ${shortly(result)}`;
  return failed(
    `Expected to be refused with "${textOrCode}", but it was accepted ${done}${answer}`,
    "accepted",
    textOrCode,
  );
}
