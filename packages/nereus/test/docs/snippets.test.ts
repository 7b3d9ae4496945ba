import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const pages = globSync("docs/{guides,recipes,patterns}/*.md", { cwd: root });
/** Files that the compiler checks, and most of which are tests that run. */
const sources = globSync(["packages/nereus/test/**/*.ts", "examples/**/*.ts"], {
  cwd: root,
  exclude: (name) => name === "node_modules",
}).map((name) => linesOf(readFileSync(`${root}/${name}`, "utf8")));

describe("every snippet of a guide is a passage of a file that is type-checked or run", () => {
  it("there are guides", () => expect(pages.length).toBeGreaterThan(2));

  describe.each(pages.filter((page) => snippetsOf(page).length > 0))("%s", (page) => {
    it.each(snippetsOf(page))("%s", (snippet) => {
      const lines = linesOf(snippet);
      expect(lines).not.toBe("\n\n");
      expect(sources.some((source) => source.includes(lines))).toBe(true);
    });
  });
});

function snippetsOf(page: string): readonly string[] {
  const text = readFileSync(`${root}/${page}`, "utf8");
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""]) => code);
}

/** Its lines without indentation, each between line breaks: a passage may stand deeper in its file. */
function linesOf(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return `\n${lines.filter((line) => line !== "").join("\n")}\n`;
}
