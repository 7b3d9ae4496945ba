import { execFile } from "node:child_process";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryFolder } from "./support/places.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const own = fileURLToPath(new URL("../src", import.meta.url));

/** A folder with a second copy of the sources, and the modules it needs. */
function secondCopy(): string {
  const folder = temporaryFolder();
  cpSync(own, join(folder, "copy"), { recursive: true });
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(join(root, "node_modules/zod"), join(folder, "node_modules/zod"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  return folder;
}

/** What a script prints as JSON. */
async function outcomeOf(folder: string, script: string): Promise<unknown> {
  writeFileSync(join(folder, "script.ts"), script);
  const { stdout } = await promisify(execFile)(process.execPath, ["--no-warnings", "script.ts"], { cwd: folder });
  return JSON.parse(stdout);
}

const model = `
  import * as one from ${JSON.stringify(join(own, "index.ts"))};
  import * as other from "./copy/index.ts";
  import { memory } from "./copy/adapters/memory/index.ts";
  import { given } from ${JSON.stringify(join(own, "testing/index.ts"))};
  const { Event, Command, EventSourcedAggregate, commandHandlers, identifier } = one;
  class Opened extends Event("Opened", { id: identifier() }) {}
  class Open extends Command("Open", { id: identifier() }) {}
  class Account extends EventSourcedAggregate("Account", { id: identifier() })
    .applies(Opened, (account, event) => { account.id = event.id; }) {}
  const told = async (act) => act().then(() => "nothing", ({ code, faults, message }) => ({ code, faults: faults?.map((fault) => fault.code), message }));
`;

test("a model of one copy of the package in a domain of another is refused at the start, in these words and no others", async () => {
  const outcome = await outcomeOf(
    secondCopy(),
    `${model}
    const elements = [Account, commandHandlers(Account).create(Open, ({ id }) => Account.create((it) => it.raise(new Opened({ id }))))];
    const domain = new other.Domain("bank", { elements, store: memory() });
    console.log(JSON.stringify([domain.check(), await told(() => domain.start())]));`,
  );
  expect(outcome).toEqual([
    [expect.objectContaining({ code: "PACKAGE_DUPLICATED", message: expect.stringContaining("Account and 1 more") })],
    expect.objectContaining({ code: "MODEL_INVALID", faults: ["PACKAGE_DUPLICATED"] }),
  ]);
});

test("handlers of another copy, and a domain of another copy in a scenario, are found as well", async () => {
  const outcome = await outcomeOf(
    secondCopy(),
    `${model}
    const foreign = other.eventHandlers("Mail").on(Opened, () => undefined);
    class Theirs extends other.Event("Theirs", { id: other.identifier() }) {}
    const theirs = one.eventHandlers("Theirs").on(Theirs, () => undefined);
    const mixed = new one.Domain("bank", { elements: [Account, foreign, theirs], store: memory() });
    const domain = new other.Domain("bank", { elements: [], store: memory() });
    const scenario = await told(async () => given(domain));
    console.log(JSON.stringify([mixed.check(), scenario]));`,
  );
  expect(outcome).toEqual([
    [expect.objectContaining({ code: "PACKAGE_DUPLICATED", message: expect.stringContaining("Theirs was") })],
    expect.objectContaining({ code: "PACKAGE_DUPLICATED" }),
  ]);
});

test.each([
  ["is missing", undefined, "STORE_NOT_SET_UP"],
  ["fails to load", 'throw new Error("no native part");', "STORE_DRIVER_FAILED"],
  ["is another thing", "export default {};", "STORE_DRIVER_FAILED"],
  ["lacks a package of its own", 'import "pg-types";', "STORE_DRIVER_FAILED"],
])("a driver that %s is told as such", async (_, driver, code) => {
  const folder = secondCopy();
  if (driver !== undefined) {
    mkdirSync(join(folder, "node_modules/pg"));
    writeFileSync(join(folder, "node_modules/pg/package.json"), '{ "type": "module", "exports": "./index.js" }');
    writeFileSync(join(folder, "node_modules/pg/index.js"), driver);
  }
  const outcome = await outcomeOf(
    folder,
    `import { postgres } from "./copy/adapters/postgres/index.ts";
    const { code } = await postgres("postgres://127.0.0.1:1/none").open([]).catch((error) => error);
    console.log(JSON.stringify(code));`,
  );
  expect(outcome).toBe(code);
});
