// Writes statements.ts beside every sql/ folder of an adapter, so that users who bundle their code need no .sql files.
// `node scripts/embed-sql.mjs --check` only tells whether a file is out of date.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const adapters = join(dirname(fileURLToPath(import.meta.url)), "../packages/nereus/src/adapters");

/** @param {string} text */
function withoutComments(text) {
  return text.replace(/^--.*\n/gm, "").trim();
}

/** @param {string} text */
function literal(text) {
  return `\`${text.replace(/[`\\]|\$\{/g, "\\$&")}\``;
}

/** @param {string} file */
function camelCase(file) {
  return file.replace(".sql", "").replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
}

/** @param {string} folder */
function embedded(folder) {
  const files = readdirSync(folder).sort();
  const read = (/** @type {string} */ file) => literal(withoutComments(readFileSync(join(folder, file), "utf8")));
  const migrations = files.filter((file) => /^\d{4}_.*\.sql$/.test(file));
  const statements = files.filter((file) => /^[a-z-]+\.sql$/.test(file));
  return [
    "// Written by scripts/embed-sql.mjs from the files in sql/. Do not edit.",
    "",
    "/** The steps of the schema, oldest first: the version of a database is how many of them it has had. */",
    "export const migrations: readonly string[] = [",
    ...migrations.map((file) => `  // ${file}\n  ${read(file)},`),
    "];",
    "",
    ...statements.map((file) => `export const ${camelCase(file)}: string = ${read(file)};\n`),
  ].join("\n");
}

let outdated = false;
for (const adapter of readdirSync(adapters)) {
  const folder = join(adapters, adapter, "sql");
  if (!existsSync(folder)) continue;
  const target = join(adapters, adapter, "statements.ts");
  const text = embedded(folder);
  if (existsSync(target) && readFileSync(target, "utf8") === text) continue;
  if (process.argv.includes("--check")) outdated = true;
  else writeFileSync(target, text);
  console.log(`${process.argv.includes("--check") ? "outdated" : "written"}: ${target}`);
}
if (outdated) process.exitCode = 1;
