/** Drives one load for a bounded time and says what came of it. */
import { cpus } from "node:os";
import type { Traffic } from "./traffic.ts";

export type Load = {
  concurrency: number;
  seconds: number;
  /** A cell ends early after so many operations. */
  most: number;
  operation(worker: number, turn: number): Promise<unknown>;
  /** Milliseconds that a caller waits between two operations. Default: 0. */
  pause?: number;
  /** Starts to watch what the operations cost elsewhere; called again by what it returns. */
  meter?: (() => Promise<() => Promise<Traffic>>) | undefined;
};

export type Measurement = {
  operations: number;
  failures: number;
  /** Still unanswered when the patience ended. */
  pending: number;
  milliseconds: number;
  p50: number;
  p95: number;
  p99: number;
  /** Processor time of this process in the window. */
  processorMicros: number;
  /** Cores that everybody else kept busy meanwhile. */
  foreignCores: number;
  errors: Record<string, number>;
  traffic?: Traffic;
};

/** How long callers may take to come back after the end: SQLite's busy time-out is a second, and waits add up. */
const patience = 5_000;

/** Latency is the time since the same caller's last answer, so that a synchronous store is charged for those it kept waiting. */
class Tally {
  operations = 0;
  failures = 0;
  pending = 0;
  started = 0;
  lastAnswer = performance.now();
  #latencies = new Float64Array(65_536);
  readonly errors: Record<string, number> = {};

  succeeded(now: number, since: number): void {
    if (this.operations === this.#latencies.length) {
      const larger = new Float64Array(this.#latencies.length * 2);
      larger.set(this.#latencies);
      this.#latencies = larger;
    }
    this.#latencies[this.operations++] = now - since;
    this.lastAnswer = now;
  }

  failed(error: unknown): void {
    this.failures++;
    this.lastAnswer = performance.now();
    const message = describeError(error);
    this.errors[message] = (this.errors[message] ?? 0) + 1;
  }

  percentile(share: number): number {
    return percentileOf(this.#latencies.slice(0, this.operations), share);
  }
}

export function percentileOf(latencies: Float64Array, share: number): number {
  if (latencies.length < 5) return Number.NaN;
  const sorted = latencies.sort();
  return sorted[Math.floor(share * sorted.length)] ?? Number.NaN;
}

/** The first line without ids, so that equal faults count together. */
export function describeError(error: unknown): string {
  const line = String(error instanceof Error ? error.message : error).split("\n")[0] ?? "";
  return line
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "<id>")
    .replace(/\d{3,}/g, "<n>")
    .slice(0, 100);
}

async function callRepeatedly(load: Load, worker: number, deadline: number, tally: Tally): Promise<void> {
  let since = performance.now();
  for (let turn = 0; since < deadline && tally.started < load.most; turn++) {
    tally.started++;
    tally.pending++;
    try {
      await load.operation(worker, turn);
      const now = performance.now();
      tally.succeeded(now, since);
      since = now;
      if (load.pause) since = await pauseFor(load.pause);
    } catch (error) {
      tally.failed(error);
      since = performance.now();
    }
    tally.pending--;
  }
}

async function pauseFor(milliseconds: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return performance.now();
}

/** `strayFaults` are those that no caller was told of; they count as failures. */
export async function measure(load: Load, strayFaults: unknown[]): Promise<Measurement> {
  const tally = new Tally();
  const endOfMeter = await load.meter?.();
  const usage = process.cpuUsage();
  const others = busyMilliseconds();
  const start = performance.now();
  const deadline = start + load.seconds * 1_000;
  const callers = Array.from({ length: load.concurrency }, (_, worker) =>
    callRepeatedly(load, worker, deadline, tally),
  );
  await withPatience(Promise.all(callers), load.seconds * 1_000 + patience);
  for (const fault of strayFaults.splice(0)) tally.failed(fault);
  const milliseconds = (tally.pending > 0 ? performance.now() : tally.lastAnswer) - start;
  const { user, system } = process.cpuUsage(usage);
  const window = performance.now() - start;
  const traffic = await endOfMeter?.();
  return {
    operations: tally.operations,
    failures: tally.failures,
    pending: tally.pending,
    milliseconds,
    p50: tally.percentile(0.5),
    p95: tally.percentile(0.95),
    p99: tally.percentile(0.99),
    processorMicros: user + system,
    foreignCores: Math.max(0, (busyMilliseconds() - others - (user + system) / 1_000) / window),
    // a copy: late answers still arrive
    errors: { ...tally.errors },
    ...(traffic && { traffic }),
  };
}

async function withPatience(work: Promise<unknown>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}

function busyMilliseconds(): number {
  let busy = 0;
  for (const { times } of cpus()) busy += times.user + times.nice + times.sys + times.irq;
  return busy;
}
