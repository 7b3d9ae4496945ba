/**
 * PostgreSQL's own load generator, with a prepared insert of one row and one commit for each: the limit of a store that
 * shares no commits but those that the server itself groups.
 */
import { spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Contestant, Place, ProgramReport } from "../contestant.ts";
import { placeOrder } from "../order.ts";
import { createTables, durabilityOf } from "./raw-postgres-tables.ts";

/** Beside the others, which open databases that they find empty. */
async function durability(place: Place): Promise<string> {
  const { status, stdout } = spawnSync("pgbench", ["--version"], { encoding: "utf8" });
  if (status !== 0) throw new Error("PGBENCH_MISSING: no program pgbench is on the PATH");
  return `${await durabilityOf(place)}, ${stdout.trim()}, 2 threads`;
}

/** Without what looks to it like a variable of its own. */
const payload = JSON.stringify(placeOrder("order-1", 1)).replaceAll(/:(?=\d)/g, ": ");

const insert = `\\set n random(1, 1000000000000)
INSERT INTO events (id, stream, version, type, data)
VALUES (gen_random_uuid(), 'order-' || :n, 0, 'OrderPlaced', '${payload}');
`;

async function appendProgram(place: Place, callers: number, seconds: number): Promise<ProgramReport> {
  await createTables(place);
  const script = join(place.directory, "insert.sql");
  writeFileSync(script, insert);
  await run(place, script, callers, 1); // the warm-up, as everybody has it
  // whole seconds are all it knows
  return run(place, script, callers, Math.max(1, Math.round(seconds)), join(place.directory, "log"));
}

async function run(place: Place, script: string, callers: number, seconds: number, log?: string) {
  const threads = String(Math.min(2, callers));
  const options = ["-n", "-M", "prepared", "-c", String(callers), "-j", threads, "-T", String(seconds), "-f", script];
  const logged = log === undefined ? [] : ["-l", "--log-prefix", log];
  const output = await outputOf([...options, ...logged, place.database]);
  const rate = Number(/tps = ([\d.]+)/.exec(output)?.[1]);
  const operations = Number(/actually processed: (\d+)/.exec(output)?.[1]);
  const failures = Number(/failed transactions: (\d+)/.exec(output)?.[1] ?? 0);
  const latencies = log === undefined ? [] : latenciesIn(place.directory);
  return { operations, failures, milliseconds: (operations / rate) * 1_000, latencies };
}

function outputOf(options: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("pgbench", options, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let complaint = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      complaint += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(output) : reject(new Error(complaint.trim()))));
  });
}

/** Of each thread's file the third column: microseconds of each transaction. */
function latenciesIn(directory: string): number[] {
  const files = readdirSync(directory).filter((name) => name.startsWith("log."));
  const lines = files.flatMap((name) => readFileSync(join(directory, name), "utf8").trim().split("\n"));
  return lines.map((line) => Number(line.split(" ")[2]) / 1_000);
}

export const contestants: Contestant[] = [{ name: "pgbench", store: "postgres", raw: true, durability, appendProgram }];
