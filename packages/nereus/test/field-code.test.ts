import { afterEach, expect, it, vi } from "vitest";
import { fieldCode } from "../src/model/field-code.ts";

const names = ["id", 'a "quoted" name', "line\u2028break", "\\"];

afterEach(() => vi.unstubAllGlobals());

function refuseCode(): void {
  vi.stubGlobal("Function", () => {
    throw new EvalError("code generation from strings is disallowed");
  });
}

it.each(["with code made for the fields", "where no code may be made from text"])("fields are copied %s", (how) => {
  if (how.startsWith("where")) refuseCode();
  const code = fieldCode(names);
  const from = Object.fromEntries([...names, "another"].map((name, at) => [name, at]));
  const to = {};
  code.copy(to, from);
  expect(to).toEqual(Object.fromEntries(names.map((name, at) => [name, at])));
  expect(Object.keys(to)).toEqual(names);
  expect(code.isComplete(to)).toBe(true);
  expect(code.isComplete({ ...to, id: undefined })).toBe(false);
  expect(code.isComplete({ ...to, id: null })).toBe(true);
  expect(fieldCode([]).isComplete({})).toBe(true);
});
