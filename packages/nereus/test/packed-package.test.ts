import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { packedApp, root, run, shipped } from "./support/packed.ts";
import { temporaryFolder } from "./support/places.ts";

/** The package has what its readers need and what its exports name, and nothing that is only for those who build it. */
function expectWhole(installed: string, listing: string): void {
  const files = listing
    .trim()
    .split("\n")
    .map((file) => file.replace(/^package\//, ""));
  const tops = new Set(files.map((file) => file.split("/", 1)[0]));
  expect([...tops].sort()).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "dist", "docs", "package.json", "src"]);
  expect(files.filter((file) => file.startsWith("docs/")).sort()).toEqual(shipped.slice(3).sort());
  for (const page of files.filter((file) => file.endsWith(".md"))) {
    const text = readFileSync(join(installed, page), "utf8");
    const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, target = ""]) => target);
    expect(links.filter((target) => !existsSync(join(installed, dirname(page), target)))).toEqual([]);
  }
  const words = (path: string) => readFileSync(path, "utf8").replace(/\[([^\]]*)\]\([^)]*\)/g, "$1");
  for (const file of shipped) expect(words(join(installed, file))).toBe(words(join(root, file)));
  const { exports } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  const targets = Object.values<string | Record<string, string>>(exports).flatMap((target) =>
    typeof target === "string" ? [target] : Object.values(target),
  );
  for (const target of targets) expect(files).toContain(target.replace("./", ""));
  const sources = readdirSync(join(root, "packages/nereus/src"), { recursive: true, encoding: "utf8" });
  for (const file of sources.filter((name) => name.endsWith(".sql"))) expect(files).toContain(`dist/${file}`);
  expect(files.filter((file) => /\.(test|test-d)\.|tsbuildinfo|api\.txt|tsconfig/.test(file))).toEqual([]);
}

test("the seed example runs and type-checks as printed, with the packed package and nothing but plain node", {
  timeout: 180_000,
}, async () => {
  const folder = temporaryFolder();
  const { app, archive } = await packedApp(folder);
  const installed = join(app, "node_modules/nereus");
  expectWhole(installed, await run(folder, "tar", "-tzf", archive));

  expect(await run(app, process.execPath, "main.ts")).toBe("seed: 576 holds 850\n");
  expect(await run(app, process.execPath, "main.ts", "bank.db")).toBe("seed: 576 holds 850\n");

  const listed = await run(app, "tsc", "-p", ".", "--listFiles");
  // it was checked against the package's own declarations, not against its sources
  expect(listed).toContain("node_modules/nereus/dist/index.d.ts");
  expect(listed).not.toMatch(/nereus\/src\/.*\.ts$/m);
  writeFileSync(
    join(app, "main.ts"),
    'import { Account } from "./bank.ts";\nexport const wrong: string = Account.open({ accountId: 7 });\n',
  );
  await expect(run(app, "tsc", "-p", ".")).rejects.toThrow("TS2322");
});
