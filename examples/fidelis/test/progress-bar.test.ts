import { describe, expect, it } from "vitest";
import { duration, ProgressBar, type ProgressOutput } from "../src/progress-bar.ts";

class Recorder implements ProgressOutput {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly written: string[] = [];

  constructor(isTTY: boolean, columns = 80) {
    this.isTTY = isTTY;
    this.columns = columns;
  }

  write(text: string): void {
    this.written.push(text);
  }
}

function bar(output: ProgressOutput, total: number): { progress: ProgressBar; sleep(milliseconds: number): void } {
  let time = 0;
  const progress = new ProgressBar(output, { label: "Importing", total, now: () => time });
  return {
    progress,
    sleep: (milliseconds) => {
      time += milliseconds;
    },
  };
}

describe("on a terminal", () => {
  it("redraws one line with share, rate and time left", () => {
    const output = new Recorder(true, 110);
    const { progress, sleep } = bar(output, 49_102);
    sleep(5000);
    progress.advance(24_551);
    expect(output.written).toEqual([
      `\rImporting ${"█".repeat(20)}${"░".repeat(20)}  50 %  24,551 of 49,102  4,910/s  ETA 5.0 s\u001b[K`,
    ]);
  });

  it("redraws ten times a second at most, and once more at the end", () => {
    const output = new Recorder(true);
    const { progress, sleep } = bar(output, 1000);
    for (let step = 0; step < 1000; step += 1) {
      sleep(1);
      progress.advance();
    }
    progress.end();
    progress.end();
    expect(output.written.length).toBeLessThanOrEqual(12);
    expect(output.written.at(-1)).toContain("100 %  1,000 of 1,000  1,000/s  in 1.0 s");
    expect(output.written.at(-1)?.endsWith("\n")).toBe(true);
  });

  it.each([10, 40, 60, 79, 200])("fits into %i columns", (columns) => {
    const output = new Recorder(true, columns);
    const { progress, sleep } = bar(output, 100_000);
    sleep(200);
    progress.advance(99_999);
    const [drawn = ""] = output.written;
    expect(drawn.replace("\r", "").replace("\u001b[K", "").length).toBeLessThan(columns);
  });
});

describe("elsewhere", () => {
  it("writes five plain lines", () => {
    const output = new Recorder(false);
    const { progress, sleep } = bar(output, 10_000);
    for (let step = 0; step < 10_000; step += 1) {
      sleep(0.25);
      progress.advance();
    }
    progress.end();
    expect(output.written).toEqual([
      "Importing  20 %  2,000 of 10,000  4,000/s  ETA 2.0 s\n",
      "Importing  40 %  4,000 of 10,000  4,000/s  ETA 1.5 s\n",
      "Importing  60 %  6,000 of 10,000  4,000/s  ETA 1.0 s\n",
      "Importing  80 %  8,000 of 10,000  4,000/s  ETA 0.5 s\n",
      "Importing 100 %  10,000 of 10,000  4,000/s  in 2.5 s\n",
    ]);
  });

  it("writes no more lines than there are steps", () => {
    const output = new Recorder(false);
    const { progress } = bar(output, 2);
    progress.advance();
    progress.advance();
    expect(output.written.length).toBe(2);
  });

  it("writes nothing when there is nothing to do", () => {
    for (const output of [new Recorder(false), new Recorder(true)]) {
      bar(output, 0).progress.end();
      expect(output.written).toEqual([]);
    }
  });
});

describe("duration", () => {
  it.each([
    [0, "0.0 s"],
    [0.42, "0.4 s"],
    [9.94, "9.9 s"],
    [9.96, "10 s"],
    [42.3, "42 s"],
    [59.7, "1 min 0 s"],
    [150, "2 min 30 s"],
    [7260, "2 h 1 min"],
  ])("prints %d seconds as %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});
