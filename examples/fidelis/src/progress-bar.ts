import { formatCount } from "./money.ts";

/** What a bar writes to: process.stdout fits. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  readonly label: string;
  readonly total: number;
  /** Milliseconds; for tests. */
  readonly now?: () => number;
}

const REDRAW_MILLISECONDS = 100;
const PLAIN_STEP_PERCENT = 20;
const WIDEST_BAR = 40;
const NARROWEST_BAR = 5;
const ROOM_FOR_RATE_AND_TIME = 40;

/** A bar that redraws itself on a terminal, and five plain lines anywhere else (a pipe, CI). */
export class ProgressBar {
  readonly #output: ProgressOutput;
  readonly #label: string;
  readonly #total: number;
  readonly #now: () => number;
  readonly #startedAt: number;
  #done = 0;
  #drawnAt: number;
  #nextPlainPercent = PLAIN_STEP_PERCENT;
  #ended = false;

  constructor(output: ProgressOutput, options: ProgressOptions) {
    this.#output = output;
    this.#label = options.label;
    this.#total = options.total;
    this.#now = options.now ?? (() => performance.now());
    this.#startedAt = this.#now();
    this.#drawnAt = this.#startedAt;
  }

  advance(by = 1): void {
    this.#done += by;
    if (this.#output.isTTY === true) this.#redraw();
    else this.#writePlainLine();
  }

  /** Leaves the last state on the screen. Call it after failures as well, or the next output lands on the bar. */
  end(): void {
    if (this.#ended || this.#total === 0) return;
    this.#ended = true;
    if (this.#output.isTTY === true) this.#output.write(`\r${this.#line()}\u001b[K\n`);
  }

  #redraw(): void {
    const now = this.#now();
    if (now - this.#drawnAt < REDRAW_MILLISECONDS) return;
    this.#drawnAt = now;
    this.#output.write(`\r${this.#line()}\u001b[K`);
  }

  #writePlainLine(): void {
    if (this.#percent() < this.#nextPlainPercent) return;
    this.#nextPlainPercent = this.#percent() - (this.#percent() % PLAIN_STEP_PERCENT) + PLAIN_STEP_PERCENT;
    this.#output.write(`${this.#label} ${this.#figures()}\n`);
  }

  #line(): string {
    const columns = this.#output.columns ?? 80;
    // The room for the figures does not depend on what they are, so that the bar does not jump about.
    const room = columns - this.#label.length - 2 * formatCount(this.#total).length - ROOM_FOR_RATE_AND_TIME;
    const width = Math.min(WIDEST_BAR, room);
    const filled = Math.floor((this.#percent() / 100) * width);
    const bar = width < NARROWEST_BAR ? "" : `${"█".repeat(filled)}${"░".repeat(width - filled)} `;
    return `${this.#label} ${bar}${this.#figures()}`.slice(0, columns - 1);
  }

  #figures(): string {
    const seconds = (this.#now() - this.#startedAt) / 1000;
    const rate = seconds > 0 ? this.#done / seconds : 0;
    const left = Math.max(0, this.#total - this.#done);
    const time = left === 0 ? `in ${duration(seconds)}` : `ETA ${rate > 0 ? duration(left / rate) : "?"}`;
    const percent = `${this.#percent()}`.padStart(3);
    return `${percent} %  ${formatCount(this.#done)} of ${formatCount(this.#total)}  ${formatCount(rate)}/s  ${time}`;
  }

  /** Rounded down: 100 means all of it. */
  #percent(): number {
    return this.#total === 0 ? 100 : Math.min(100, Math.floor((this.#done * 100) / this.#total));
  }
}

/** Prints 0.42 as `0.4 s`, 42.3 as `42 s`, 150 as `2 min 30 s`, 7260 as `2 h 1 min`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
