// Type-checks a generated domain of 200 aggregates, 600 events and 600 commands against the sources, and prints what the
// compiler needed for it. Fails where a ceiling is passed: a change of types that costs this much should be a decision.
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const aggregates = 200;
/** Of the generated domain alone, without the framework's own sources. About twice what it was when this was written. */
const ceiling = { instantiations: 2_500_000, seconds: 60 };

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "node_modules/.cache/nereus-type-budget");

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const empty = measure("empty", { "main.ts": 'import * as nereus from "nereus";\nnereus.Domain;\n' });
const full = measure("full", generated());
const instantiations = full.instantiations - empty.instantiations;
const seconds = full.seconds - empty.seconds;
console.log(
  `measured: types of ${aggregates} aggregates, ${aggregates * 3} events, ${aggregates * 3} commands: ` +
    `${instantiations.toLocaleString("en")} instantiations, ${seconds.toFixed(1)} s, ${full.megabytes} MB ` +
    `(ceilings: ${ceiling.instantiations.toLocaleString("en")}, ${ceiling.seconds} s)`,
);
if (instantiations > ceiling.instantiations || seconds > ceiling.seconds) process.exitCode = 1;

/** What the compiler says of a project. */
function measure(
  name: string,
  files: Readonly<Record<string, string>>,
): { readonly instantiations: number; readonly seconds: number; readonly megabytes: number } {
  const project = join(folder, name);
  mkdirSync(project, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(project, file), text);
  const compilerOptions = { allowJs: false, checkJs: false, noEmit: true };
  const config = { extends: join(root, "tsconfig.json"), compilerOptions, include: [], files: Object.keys(files) };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout, status } = spawnSync(process.execPath, [tsc, "-p", project, "--extendedDiagnostics"], {
    encoding: "utf8",
  });
  if (status !== 0) {
    console.error(stdout.slice(0, 4000));
    process.exit(1);
  }
  const figure = (label: string): number => Number(new RegExp(`${label}:\\s+([\\d.]+)`).exec(stdout)?.[1]);
  return {
    instantiations: figure("Instantiations"),
    seconds: figure("Total time"),
    megabytes: Math.round(figure("Memory used") / 1024),
  };
}

/** One file per aggregate, as users write them, and one for the domain. */
function generated(): Record<string, string> {
  const files: Record<string, string> = {};
  const numbers = Array.from({ length: aggregates }, (_, n) => n);
  for (const n of numbers) files[`order${n}.ts`] = aggregateFile(n);
  const names = numbers.map((n) => `Order${n}, handlers${n}, Row${n}, rows${n}`);
  files["main.ts"] = `
    import { Domain } from "nereus";
    import { memory } from "nereus/memory";
    ${numbers.map((n) => `import { Order${n}, Place${n}, handlers${n}, Row${n}, rows${n} } from "./order${n}.ts";`).join("\n")}
    const shop = new Domain("shop", { store: memory(), elements: [${names.join(", ")}] });
    ${numbers.map((n) => `export const id${n}: string = await shop.process(new Place${n}({ id: "1", customer: "c", total: { amount: 1n, currency: "EUR" } }));`).join("\n")}
    ${numbers.map((n) => `export const found${n}: Row${n}[] = await shop.view(Row${n}).find({ where: { customer: "c", total: { amount: { gt: 1n } } } });`).join("\n")}
  `;
  return files;
}

function aggregateFile(n: number): string {
  const kind = n % 2 === 0 ? "EventSourcedAggregate" : "Aggregate";
  const applies =
    n % 2 === 0
      ? `.applies(Placed${n}, (order, event) => { order.id = event.id; order.customer = event.customer; order.total = event.total; })
         .applies(Shipped${n}, (order, event) => { order.status = "SHIPPED"; order.shippedAt = event.at; })
         .applies(Cancelled${n}, (order, event) => { order.status = "CANCELLED"; order.notes.push(event.reason); })`
      : `.raises(Placed${n}, Shipped${n}, Cancelled${n})`;
  const place =
    n % 2 === 0
      ? `Order${n}.create((order) => order.raise(new Placed${n}(command)))`
      : `{ const order = new Order${n}(command); order.raise(new Placed${n}(command)); return order; }`;
  return `
    import { ${kind}, Command, commandHandlers, Entity, Event, hasMany, identifier, Projection, projector, status, ValueObject } from "nereus";
    import { z } from "zod";
    export class Money${n} extends ValueObject("Money${n}", { amount: z.bigint(), currency: z.string().length(3) }) {}
    export class Line${n} extends Entity("Line${n}", { sku: z.string(), quantity: z.number().int() }, { identifiedBy: "sku" }) {}
    export class Placed${n} extends Event("Placed${n}", { id: identifier(), customer: z.string(), total: Money${n} }) {}
    export class Shipped${n} extends Event("Shipped${n}", { id: identifier(), at: z.date(), carrier: z.string().optional() }) {}
    export class Cancelled${n} extends Event("Cancelled${n}", { id: identifier(), reason: z.string().max(500) }) {}
    export class Place${n} extends Command("Place${n}", { id: identifier(), customer: z.string(), total: Money${n} }).returns<string>() {}
    export class Ship${n} extends Command("Ship${n}", { id: identifier(), at: z.date() }) {}
    export class Cancel${n} extends Command("Cancel${n}", { id: identifier(), reason: z.string() }) {}
    export class Order${n} extends ${kind}("Order${n}", {
      id: identifier(), customer: z.string().max(100), total: Money${n}, discount: Money${n}.schema().optional(),
      status: status({ PLACED: ["SHIPPED", "CANCELLED"], SHIPPED: [], CANCELLED: [] }, "PLACED"),
      shippedAt: z.date().optional(), notes: z.array(z.string()).default([]), lines: hasMany(Line${n}),
    })${applies}
      .precondition("open", "The order is closed", (order) => order.status !== "CANCELLED")
      .invariant("total", "The total is negative", (order) => order.total.amount >= 0n)
    {
      ship(at: Date) { this.raise(new Shipped${n}({ id: this.id, at })); }
      cancel(reason: string) { this.raise(new Cancelled${n}({ id: this.id, reason })); }
    }
    export const handlers${n} = commandHandlers(Order${n})
      .create(Place${n}, (command) => ${place.startsWith("{") ? `(() => ${place})()` : place})
      .update(Ship${n}, (order, { at }) => order.ship(at))
      .update(Cancel${n}, (order, { reason }) => order.cancel(reason));
    export class Row${n} extends Projection("Row${n}", { id: identifier(), customer: z.string(), total: Money${n}, state: z.string() }, { indexes: [["customer"]] }) {}
    export const rows${n} = projector(Row${n}, { run: "async" })
      .create(Placed${n}, (event) => ({ id: event.id, customer: event.customer, total: event.total, state: "placed" }))
      .update(Shipped${n}, (event) => event.id, (row) => { row.state = "shipped"; })
      .remove(Cancelled${n}, (event) => event.id);
  `;
}
