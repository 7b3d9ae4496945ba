// Compares the public names of the built package with packages/nereus/api.txt, so that none is added or lost unseen.
// `npm run api:update` rewrites the file.
import { readFileSync, writeFileSync } from "node:fs";

interface Target {
  readonly types: string;
  readonly default: string;
}

const packageFolder = new URL("../packages/nereus/", import.meta.url);
const snapshot = new URL("api.txt", packageFolder);
const manifest = JSON.parse(readFileSync(new URL("package.json", packageFolder), "utf8"));

const sections: string[] = [];
for (const [subpath, target] of Object.entries<string | Target>(manifest.exports)) {
  if (typeof target !== "string") sections.push(await describe(subpath.replace(/^\./, manifest.name), target));
}
const current = `${sections.join("\n")}`;

if (process.argv.includes("--update")) {
  writeFileSync(snapshot, current);
} else {
  const difference = compare(read(snapshot), current);
  if (difference.length > 0) {
    console.error(`The public names differ from packages/nereus/api.txt:\n${difference.join("\n")}`);
    console.error('If that is meant, run "npm run api:update" and commit the file.');
    process.exitCode = 1;
  }
}

/** One section of the snapshot: the name to import from, then its values and its types. */
async function describe(specifier: string, target: Target): Promise<string> {
  const values = Object.keys(await import(new URL(target.default, packageFolder).href));
  const declared = declaredNames(specifier, readFileSync(new URL(target.types, packageFolder), "utf8"));
  const undeclared = values.filter((name) => !declared.includes(name));
  if (undeclared.length > 0) throw new Error(`${specifier} exports values without a type: ${undeclared.join(", ")}`);
  const types = declared.filter((name) => !values.includes(name)).map((name) => `type ${name}`);
  const names = [...values.sort(), ...types.sort()];
  return `${specifier}\n${names.map((name) => `  ${name}\n`).join("")}`;
}

/** The names that a declaration file written by tsc exports. */
function declaredNames(specifier: string, declarations: string): string[] {
  const names: string[] = [];
  for (const [statement] of declarations.matchAll(/^export (?:type )?\{[^}]*\}|^export [^;{(]*/gm)) {
    const list = /\{([^}]*)\}/.exec(statement)?.[1];
    if (list !== undefined) {
      names.push(...list.split(",").map((item) => item.trim().split(" ").at(-1) ?? ""));
      continue;
    }
    const name = /^export (?:declare )?(?:abstract )?(?:const|function|class|interface|type) (\w+)/.exec(
      statement,
    )?.[1];
    if (name === undefined) throw new Error(`${specifier} must list its names one by one, not: ${statement.trim()}`);
    names.push(name);
  }
  return [...new Set(names)].filter((name) => name !== "");
}

function compare(before: string, after: string): string[] {
  const [old, fresh] = [qualified(before), qualified(after)];
  return [
    ...old.filter((name) => !fresh.includes(name)).map((name) => `  - ${name}`),
    ...fresh.filter((name) => !old.includes(name)).map((name) => `  + ${name}`),
  ];
}

/** Each line of a snapshot with its section in front. */
function qualified(text: string): string[] {
  let section = "";
  return text.split("\n").flatMap((line) => {
    if (!line.startsWith(" ")) section = line;
    return line.startsWith(" ") ? [`${section}: ${line.trim()}`] : [];
  });
}

function read(file: URL): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
