import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { differenceBuckets, formatCount, formatMoney, parseMoney } from "../src/money.ts";

describe("parseMoney", () => {
  it.each([
    ["900.00", 90_000],
    ["0.01", 1],
    ["-0.40", -40],
    ["-1234.56", -123_456],
    ["39246142.80", 3_924_614_280],
    ["1.10", 110],
    ["4.35", 435], // 4.35 * 100 is 434.99999999999994
    ["00.07", 7],
  ])("reads %s exactly", (text, hellers) => {
    expect(parseMoney(text)).toBe(hellers);
  });

  it.each([
    "",
    "900",
    "900.0",
    "900.000",
    ".50",
    "1,000.00",
    "1e5",
    "+1.00",
    " 1.00",
    "1.00 ",
    "--1.00",
    "NaN",
    "0x10.00",
    "٣.٠٠",
  ])("refuses %j", (text) => {
    expect(parseMoney(text)).toBeUndefined();
  });

  it("refuses what is no safe integer", () => {
    expect(parseMoney("99999999999999.99")).toBeUndefined();
    expect(parseMoney("90071992547409.91")).toBe(Number.MAX_SAFE_INTEGER);
    expect(parseMoney("90071992547409.92")).toBeUndefined();
  });

  it("has no negative zero", () => {
    expect(Object.is(parseMoney("-0.00"), 0)).toBe(true);
  });

  it("reads what formatMoney prints, without the separators", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (hellers) => {
        expect(parseMoney(formatMoney(hellers).replaceAll(",", ""))).toBe(hellers);
      }),
    );
  });
});

describe("formatting", () => {
  it.each([
    [3_924_614_280, "39,246,142.80"],
    [0, "0.00"],
    [5, "0.05"],
    [-5, "-0.05"],
    [100_000, "1,000.00"],
    [-123_456_789, "-1,234,567.89"],
    [99_999, "999.99"],
  ])("prints %i hellers as %s", (hellers, text) => {
    expect(formatMoney(hellers)).toBe(text);
  });

  it.each([
    [49_102, "49,102"],
    [0, "0"],
    [999, "999"],
    [1_000, "1,000"],
    [1_234_567.4, "1,234,567"],
  ])("prints the count %d as %s", (count, text) => {
    expect(formatCount(count)).toBe(text);
  });
});

describe("differenceBuckets", () => {
  it("adds up from small to large and ignores the sign", () => {
    expect(differenceBuckets([0, 0, 10, -10, 11, -50, 51])).toEqual([
      { within: 0, count: 2 },
      { within: 10, count: 4 },
      { within: 50, count: 6 },
    ]);
  });
});
