import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { mistakes } from "./broken-stores.ts";

const guide = read("../../../../docs/guides/adapters.md");
const sources = ["array-store.ts", "array-log.ts", "array-store.test.ts"].map((name) => read(name));
const blocks = [...guide.matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""]) => code);

describe("docs/guides/adapters.md", () => {
  it("has code", () => expect(blocks.length).toBeGreaterThan(4));

  it.each(blocks)("shows what the tested store has: %s", (code) => {
    expect(sources.some((source) => source.includes(code))).toBe(true);
  });

  it("lists the mistakes that are tested", () => {
    const listed = [...guide.matchAll(/^- (.*) → “(.*)”$/gm)].map(([, mistake, foundBy]) => ({ mistake, foundBy }));
    expect(listed).toEqual(mistakes.map(({ mistake, foundBy }) => ({ mistake, foundBy })));
  });
});

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), "utf8");
}
