import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { httpStatusOf } from "../src/http/status.ts";
import { type ErrorCode, errorCodes } from "../src/model/errors.ts";

test("the table of HTTP statuses is the one in the documentation", async () => {
  const page = await readFile(new URL("../../../docs/reference/http-status.md", import.meta.url), "utf8");
  const documented = new Map<string, number>();
  for (const [, status, codes = ""] of page.matchAll(/^\| (\d+) \|[^|]*\| (.*) \|$/gm)) {
    for (const [, code = ""] of codes.matchAll(/`(\w+)`/g)) documented.set(code, Number(status));
  }
  expect(documented.size).toBeGreaterThan(10);
  for (const code of Object.keys(errorCodes))
    expect([code, httpStatusOf(code as ErrorCode)]).toEqual([code, documented.get(code) ?? 500]);
  for (const code of documented.keys()) expect(Object.keys(errorCodes)).toContain(code);
});

test("what a caller can mend is no fault of the server", () => {
  expect(httpStatusOf("AGGREGATE_NOT_FOUND")).toBe(404);
  expect(httpStatusOf("VALIDATION_FAILED")).toBe(400);
  expect(httpStatusOf("EXPECTED_VERSION_MISMATCH")).toBe(412);
  expect(httpStatusOf("STORE_CORRUPT")).toBe(500);
});
