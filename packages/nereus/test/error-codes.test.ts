import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { errorCodes } from "../src/model/errors.ts";

const page = readFileSync(new URL("../../../docs/reference/errors.md", import.meta.url), "utf8");
const sections = page
  .split(/^### /m)
  .slice(1)
  .map((text) => {
    const [code = "", ...body] = text.split(/^#+ |\n/m);
    return { code, body: body.join("\n") };
  });

test("the page of errors has one section for every code, in the order of the table, and none for any other", () => {
  expect(sections.map(({ code }) => code)).toEqual(Object.keys(errorCodes));
});

test.each(Object.entries(errorCodes))(
  "the section of %s says what it means, why it comes and what to do",
  (code, meaning) => {
    const body = sections.find((section) => section.code === code)?.body ?? "";
    expect(body).toContain(meaning);
    expect(body).toMatch(/^- Cause: .{20,}$/m);
    expect(body).toMatch(/^- What to do: .{10,}$/m);
  },
);

test("every code of the table is raised somewhere", () => {
  const root = fileURLToPath(new URL("../src", import.meta.url));
  const files = globSync("**/*.ts", { cwd: root }).filter(
    (file) => !file.endsWith("errors.ts") || file.startsWith("adapters"),
  );
  const source = files.map((file) => readFileSync(`${root}/${file}`, "utf8")).join("\n");
  const unused = Object.keys(errorCodes).filter((code) => !source.includes(`"${code}"`));
  // MODEL_INVALID is raised by the class of errors itself
  expect(unused).toEqual(["MODEL_INVALID"]);
});
