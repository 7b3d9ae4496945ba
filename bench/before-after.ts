/**
 * Two checkouts of Nereus side by side: commands per second of each, in interleaved pairs, and the median of the ratio
 * after / before with its 95 % interval. Run as
 *
 *   npm run before-after -- FOLDER [--pairs 40] [--seconds 0.5] [--only sqlite,64]
 *
 * where FOLDER is another checkout in which `npm ci` was run (for example of `git worktree add`).
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import pg from "pg";
import type { Place, Round } from "./before-after-side.ts";
import { median, significant } from "./statistics.ts";

const after = fileURLToPath(new URL("..", import.meta.url));
const server = process.env["NEREUS_BENCH_POSTGRES"] ?? "postgres://postgres@127.0.0.1:5432/postgres";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pairs: { type: "string", default: "40" },
    seconds: { type: "string", default: "0.5" },
    only: { type: "string", default: "" },
  },
});
const [before] = positionals;
if (before === undefined) throw new Error("Name the folder of the checkout that this one is compared with.");
const pairs = Number(values.pairs);
const seconds = Number(values.seconds);

const cells = (["memory", "sqlite", "postgres"] as const)
  .flatMap((store) => [1, 64].map((callers) => ({ store, callers })))
  .filter(({ store, callers }) => `${store},${callers}`.startsWith(values.only));

console.log(`${cpus()[0]?.model}, ${cpus().length} cores, ${process.version}; ${pairs} pairs of ${seconds} s`);
for (const { store, callers } of cells) {
  const sides = [await open(before, store), await open(after, store)] as const;
  for (const side of sides) await side.play({ callers, seconds: 2 });
  const ratios: number[] = [];
  const rates: [number[], number[]] = [[], []];
  for (let pair = 0; pair < pairs; pair++) {
    const order = pair % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const);
    for (const at of order) rates[at].push(await sides[at].play({ callers, seconds }));
    ratios.push((rates[1].at(-1) as number) / (rates[0].at(-1) as number));
  }
  for (const side of sides) await side.close();
  const [low, high] = interval(ratios);
  const [was, is] = rates.map((of) => significant(median(of)));
  const ratio = [median(ratios), low, high].map((value) => value.toFixed(3));
  console.log(
    `${store}, ${callers} callers: ${was} -> ${is} commands/s, ratio ${ratio[0]}, 95 % interval ${ratio[1]} to ${ratio[2]}`,
  );
}

/** The interval of a median that holds for any distribution: two of the sorted values, by the binomial's normal form. */
function interval(of: readonly number[]): readonly [number, number] {
  const sorted = of.toSorted((one, other) => one - other);
  const low = Math.max(0, Math.floor((sorted.length - 1.96 * Math.sqrt(sorted.length)) / 2) - 1);
  return [sorted[low] as number, sorted[sorted.length - 1 - low] as number];
}

/** A process that works with one checkout, on a store of its own. */
async function open(folder: string, store: Place["store"]) {
  const directory = mkdtempSync(join(tmpdir(), "nereus-before-after-"));
  const name = `nereus_bench_${process.pid}_${Math.random().toString(36).slice(2, 8)}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  if (store === "postgres") await onServer(`CREATE DATABASE ${name}`);
  const child = fork(fileURLToPath(new URL("before-after-side.ts", import.meta.url)), {
    execArgv: ["--conditions=@nereus/source"],
  });
  await said(child, { folder, store, path: join(directory, "bank.db"), url: url.href } satisfies Place);
  return {
    play: (round: Round) => said(child, round),
    async close() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.disconnect();
      await ended;
      rmSync(directory, { recursive: true });
      if (store === "postgres") await onServer(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

function said(child: ChildProcess, question: Place | Round): Promise<number> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null): void => reject(new Error(`a side ended with ${code}`));
    child.once("exit", gone);
    child.once("message", (answer) => {
      child.off("exit", gone);
      resolve(answer as number);
    });
    child.send(question);
  });
}

async function onServer(statement: string): Promise<void> {
  const client = new pg.Client(server);
  await client.connect();
  await client.query(statement);
  await client.end();
}
