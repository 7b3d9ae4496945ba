import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const folder = join(root, "node_modules/.cache/nereus-hovers");

/** What an editor shows of the main types: what the compiler says when each is assigned to something that it is not. */
test("the types of an everyday model are shown in a form that people can read", () => {
  const shown = typesOf({
    event: "new Placed({ orderId: '1', total: new Money({ amount: 1n, currency: 'EUR' }) })",
    "an event from JSON": "Placed.fromJSON({})",
    "an event as JSON": "new Placed({ orderId: '1', total: new Money({ amount: 1n, currency: 'EUR' }) }).toJSON()",
    "an event's constructor takes": "{} as ConstructorParameters<typeof Placed>[0]",
    "a value object": "{} as Money",
    "a state-stored aggregate's constructor takes": "{} as ConstructorParameters<typeof Product>[0]",
    "an aggregate's field with a value object": "{} as Order['total']",
    "an aggregate's entities": "{} as Order['lines']",
    "a status": "{} as { is: Order['status'] }",
    "what may be raised": "{} as Parameters<Order['raise']>[0]",
    "a repository of a state-stored aggregate": "context.repository(Product)",
    "a repository of an event-sourced aggregate": "context.repository(Order)",
    "what a query finds": "context.repository(Product).query()",
    "a command's result": "domain.process(new Place({ orderId: '1' }))",
    "the identity of what .create added": "domain.process(new Begin({}))",
    "what .create added, without .returns": "domain.process(new Start({}))",
    "a view": "domain.view(Row)",
    "what a view finds": "domain.view(Row).find()",
    "a use case": "domain.service(signup).register",
    "a domain service": "allocate",
    process: "domain.process",
    "process where tenants are required": "tenanted.process",
    deliver: "domain.deliver",
    "deliver where tenants are required": "tenanted.deliver",
    "view where tenants are required": "tenanted.view",
  });
  expect(shown).toMatchInlineSnapshot(`
    {
      "a command's result": "Promise<string>",
      "a domain service": "DomainService<{ readonly order: typeof Order; readonly product: typeof Product; }, [quantity: number], boolean>",
      "a repository of a state-stored aggregate": "Repository<Product>",
      "a repository of an event-sourced aggregate": "EventSourcedRepository<Order>",
      "a state-stored aggregate's constructor takes": "{ readonly name: string; readonly price: Money | { readonly amount: bigint; readonly currency: string; }; readonly productId?: string | undefined; readonly stock?: number | undefined; }",
      "a status": "{ is: "OPEN" | "SHIPPED"; }",
      "a use case": "(email: string) => Promise<number>",
      "a value object": "Money",
      "a view": "View<Row>",
      "an aggregate's entities": "EntityCollectionView<EntityView<Line>>",
      "an aggregate's field with a value object": "Money",
      "an event as JSON": "{ readonly note?: string | undefined; readonly orderId: string; readonly total: { readonly amount: string; readonly currency: string; }; }",
      "an event from JSON": "Placed",
      "an event's constructor takes": "{ readonly note?: string | undefined; readonly orderId: string; readonly total: Money | { readonly amount: bigint; readonly currency: string; }; }",
      "deliver": "(subscriber: Subscriber<unknown>, message: unknown, options: DeliverOptions) => Promise<void>",
      "deliver where tenants are required": "(subscriber: Subscriber<unknown>, message: unknown, options: DeliverOptions & { readonly tenant: string; }) => Promise<void>",
      "event": "Placed",
      "process": "<R>(command: Returning<R, "command">, options?: DomainProcessOptions | undefined) => Promise<R>",
      "process where tenants are required": "<R>(command: Returning<R, "command">, options: DomainProcessOptions & { readonly tenant: string; }) => Promise<R>",
      "the identity of what .create added": "Promise<string>",
      "view where tenants are required": "<R extends object>(projection: ProjectionClass<R, never>, options: TenantOptions & { readonly tenant: string; }) => View<R>",
      "what .create added, without .returns": "Promise<void>",
      "what a query finds": "Promise<Product[]>",
      "what a view finds": "Promise<Row[]>",
      "what may be raised": "Placed | Shipped",
    }
  `);
});

const model = `
  import { Aggregate, applicationService, Command, type CommandContext, commandHandlers, type Domain, domainService, Entity, Event,
    EventSourcedAggregate, hasMany, identifier, Projection, status, ValueObject } from "nereus";
  import { z } from "zod";
  class Money extends ValueObject("Money", { amount: z.bigint(), currency: z.string() }) { half() { return this; } }
  class Line extends Entity("Line", { sku: z.string(), quantity: z.number() }, { identifiedBy: "sku" }) {}
  class Placed extends Event("Placed", { orderId: identifier(), total: Money, note: z.string().optional() }) {}
  class Shipped extends Event("Shipped", { orderId: identifier(), at: z.date() }) {}
  class Order extends EventSourcedAggregate("Order", {
    orderId: identifier(), total: Money, lines: hasMany(Line), status: status({ OPEN: ["SHIPPED"], SHIPPED: [] }, "OPEN"),
  }).applies(Placed, (order, event) => { order.total = event.total; }).applies(Shipped, (order) => { order.status = "SHIPPED"; }) {}
  class Product extends Aggregate("Product", { productId: identifier(), name: z.string(), price: Money, stock: z.number().default(0) }) {}
  class Place extends Command("Place", { orderId: identifier() }).returns<string>() {}
  class Begin extends Command("Begin", {}).returns<string>() {}
  class Start extends Command("Start", {}) {}
  export const orderCommands = commandHandlers(Order).create(Begin, () => ({}) as Order).create(Start, () => ({}) as Order);
  class Row extends Projection("Row", { orderId: identifier(), total: Money }) {}
  const signup = applicationService("Signup", { async register(_: CommandContext, email: string) { return email.length; } });
  const allocate = domainService("Allocate", { order: Order, product: Product }).does((_parts, quantity: number) => quantity > 0);
  declare const context: CommandContext;
  declare const domain: Domain;
  declare const tenanted: Domain<"required">;
  class Never { #never = 1; get it() { return this.#never; } }
`;

/** The type of each expression, as the compiler prints it. */
function typesOf(expressions: Readonly<Record<string, string>>): Record<string, string> {
  mkdirSync(folder, { recursive: true });
  const lines = Object.values(expressions).map((expression, n) => `export const x${n}: Never = ${expression};`);
  writeFileSync(join(folder, "main.ts"), `${model}\n${lines.join("\n")}\n`);
  const compilerOptions = { allowJs: false, checkJs: false, noErrorTruncation: true };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: join(root, "tsconfig.json"), compilerOptions, include: [], files: ["main.ts"] }),
  );
  const tsc = join(createRequire(import.meta.url).resolve("typescript/package.json"), "../bin/tsc");
  const { stdout } = spawnSync(process.execPath, [tsc, "-p", folder, "--pretty", "false"], { encoding: "utf8" });
  const types = [
    ...stdout.matchAll(/: error TS\d+: (?:Type|Property '#never' is missing in type) '(.*)' (?:is|but) /g),
  ];
  const names = Object.keys(expressions);
  if (types.length !== names.length) throw new Error(stdout);
  return Object.fromEntries(names.map((name, n) => [name, types[n]?.[1] ?? ""]));
}
