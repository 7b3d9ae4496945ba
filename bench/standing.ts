/** What the rounds of one entry add up to. */
import type { CellResult } from "./cell.ts";
import { median } from "./statistics.ts";

export class Standing {
  /** One for each round, undefined where the cell gave no answer. */
  readonly results: (CellResult | undefined)[] = [];
  readonly faults: string[] = [];
  readonly entry: string;
  readonly callers: number;

  constructor(entry: string, callers: number) {
    this.entry = entry;
    this.callers = callers;
  }

  /** Operations, or the events in them, a second; a round in which anything failed has none. */
  get rates(): number[] {
    return this.results.map((result) => (result && failed(result) === 0 ? rateOf(result) : Number.NaN));
  }

  of(figure: (result: CellResult) => number): number {
    return median(this.results.map((result) => (result ? figure(result) : Number.NaN)));
  }

  /** The median of the ratios of each round: both sides of one ratio ran within seconds of each other. */
  ratioTo(other: Standing | undefined): number {
    if (!other) return Number.NaN;
    const [own, theirs] = [this.rates, other.rates];
    return median(own.map((rate, round) => rate / (theirs[round] ?? Number.NaN)));
  }

  /** It crashed, or nothing went through: it is not given the time again. */
  get hopeless(): boolean {
    return this.faults.length > 0 || this.results.some((result) => result?.operations === 0);
  }

  /** Why there is no figure, or why it must not be trusted. */
  get trouble(): string {
    const known = this.results.filter((result) => result !== undefined);
    const failures = known.reduce((sum, result) => sum + failed(result), 0);
    const parts = [...new Set(this.faults), ...new Set(known.flatMap((result) => result.complaint ?? []))];
    if (failures > 0) {
      const operations = failures + known.reduce((sum, result) => sum + result.operations, 0);
      parts.unshift(`broken: ${failures} of ${operations} failed (${this.#commonest(known)})`);
    }
    return parts.join("; ");
  }

  #commonest(known: CellResult[]): string {
    const errors = new Map<string, number>();
    const add = (message: string, count: number) => errors.set(message, (errors.get(message) ?? 0) + count);
    for (const result of known) {
      for (const [message, count] of Object.entries(result.errors)) add(message, count);
      if (result.pending > 0) add("no answer in time", result.pending);
    }
    const sorted = [...errors].sort(([, a], [, b]) => b - a).slice(0, 2);
    return sorted.map(([message, count]) => `${count} x ${message}`).join(", ");
  }
}

export const rateOf = (result: CellResult): number =>
  ((result.operations * result.eventsPerOperation) / result.milliseconds) * 1_000;

export const perOperation = (result: CellResult, total = Number.NaN): number =>
  total / (result.operations * result.eventsPerOperation);

/** Steadier than the rate on a busy machine. */
export const microsEach = (result: CellResult): number => perOperation(result, result.processorMicros);

const failed = (result: CellResult): number => result.failures + result.pending;
