import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const folder = join(root, "node_modules/.cache/nereus-scenario-errors");

const model = `
  import { Aggregate, Command, type Domain, Event, EventSourcedAggregate, identifier, Query, ValueObject } from "nereus";
  import { given } from "nereus/testing";
  import { z } from "zod";
  class Money extends ValueObject("Money", { amount: z.bigint() }) {}
  class Opened extends Event("Opened", { accountId: identifier() }) {}
  class Stocked extends Event("Stocked", { productId: identifier() }) {}
  class Open extends Command("Open", { accountId: identifier() }) {}
  class Find extends Query("Find", { holder: z.string() }) {}
  class Account extends EventSourcedAggregate("Account", { accountId: identifier() }).applies(Opened, () => undefined) {}
  class Product extends Aggregate("Product", { productId: identifier(), name: z.string() }) {}
  declare const bank: Domain;
  declare const tenanted: Domain<"required">;
  const open = new Open({ accountId: "1" });
`;

/** What the compiler says of each expression, in its own words. */
function saidOf(expressions: readonly string[]): string[] {
  mkdirSync(folder, { recursive: true });
  const lines = expressions.map((expression, at) => `export const e${at} = ${expression};`);
  writeFileSync(join(folder, "main.ts"), `${model}\n${lines.join("\n")}\n`);
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: join(root, "tsconfig.json"), include: [], files: ["main.ts"] }),
  );
  const tsc = createRequire(import.meta.url)
    .resolve("typescript/package.json")
    .replace("package.json", "bin/tsc");
  const { stdout } = spawnSync(process.execPath, [tsc, "-p", folder, "--pretty", "false"], { encoding: "utf8" });
  const first = model.split("\n").length + 1;
  const said = expressions.map(() => "");
  let at = -1;
  for (const line of stdout.split("\n")) {
    const place = /main\.ts\((\d+),/.exec(line);
    if (place !== null) at = Number(place[1]) - first;
    if (said[at] !== undefined) said[at] += `${line}\n`;
  }
  return said;
}

test("a value object's class inside of a Zod schema is told what to write", () => {
  const [list, optional] = saidOf(["z.array(Money)", "z.record(z.string(), Money)"]);
  for (const said of [list, optional]) expect(said).toContain('InsideZodWrite<"Money.schema()">');
});

test("a scenario that does not compile is told in a sentence what is wrong, not a list of overloads", () => {
  const sentences: Record<string, string> = {
    "given(bank, open)": "given(domain, …) takes events, aggregates in hand, and seed(…)",
    "given(bank, Opened)": "given(domain, …) takes events, aggregates in hand, and seed(…)",
    'given(Account, new Stocked({ productId: "1" }))':
      "given(Class, …) takes events that the aggregate lists with .applies",
    "given(Product, {})": "Property 'name' is missing",
    'given(Product, { name: "Chair", colour: "red" })': "given(Class, { … }) takes fields of the aggregate",
    "given(new Money({ amount: 1n }))":
      "given(…) begins with a domain, an aggregate (its class, or in hand), or a projector",
    "given(bank).when(new Money({ amount: 1n }))":
      "when(…) takes a command, a query, an event, or a function of the domain: (domain) => domain.service(…)",
    'given(bank).when(new Find({ holder: "Ada" }), { idempotencyKey: "k" })': "when(…) has no such option",
    "given(bank).when(Opened)": "when(…) takes an instance: new OpenAccount({ … })",
    'given(bank).when(open, { idempotency: "k" })': "when(…) has no such option",
    "given(tenanted).when(open)": "when(…) says of which tenant, as the domain requires it: when(…, { tenant: … })",
    'given(tenanted).when(open, { idempotencyKey: "k" })': "Property 'tenant' is missing",
  };
  const said = saidOf(Object.keys(sentences));
  for (const [at, [expression, sentence]] of Object.entries(sentences).entries())
    expect(said[at], expression).toContain(sentence);
});
