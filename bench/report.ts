/** Prints a contest: the machine, who stands for what, the tables, the aims. Plain Markdown, ready for the README. */
import { cpus, totalmem } from "node:os";
import type { Contest, Outcome } from "./contest.ts";
import { microsEach, perOperation, rateOf, type Standing } from "./standing.ts";
import { median, significant } from "./statistics.ts";

/** A figure that is to be no less than `least`, or less than `most`. */
export type Aim = { text: string; unit: string; figure(outcomes: Outcome[]): number } & (
  | { least: number; most?: never }
  | { most: number; least?: never }
);

export function report(heading: string, unit: string, contest: Contest, aims: Aim[]): void {
  const lines = [`# ${heading}`, "", ...machine(contest), ...contestants(contest)];
  for (const title of new Set(contest.outcomes.map(({ discipline }) => discipline.title))) {
    const outcomes = contest.outcomes.filter(({ discipline }) => discipline.title === title);
    lines.push("", `## ${title}`, "", ...table(unit, outcomes));
  }
  lines.push("", "## Aims", "", ...aims.map((aim) => judge(aim, contest.outcomes)), "");
  console.log(lines.join("\n"));
}

function machine({ options, outcomes }: Contest): string[] {
  const processors = cpus();
  const foreign = outcomes
    .flatMap(({ standings }) => standings.flatMap(({ results }) => results))
    .flatMap((r) => r?.foreignCores ?? [])
    .filter((cores) => !Number.isNaN(cores));
  return [
    `- Machine: ${processors[0]?.model ?? "unknown"}, ${processors.length} cores, ${Math.round(totalmem() / 2 ** 30)} GB`,
    `- Node ${process.versions.node}, SQLite ${process.versions.sqlite ?? "?"} in node:sqlite; ${process.platform} ${process.arch}`,
    `- ${options.rounds} rounds of ${options.seconds} s a cell, interleaved; median (lowest to highest)`,
    `- Cores busy with other work meanwhile: median ${significant(median(foreign), 2)}, most ${significant(Math.max(0, ...foreign), 2)}`,
  ];
}

function contestants({ descriptions, leftOut, outcomes }: Contest): string[] {
  const present = new Set(outcomes.flatMap(({ standings }) => standings.map(({ entry }) => entry)));
  for (const { contestant } of outcomes.flatMap(({ discipline }) => discipline.yardsticks ?? []))
    present.add(contestant);
  const lines = descriptions
    .filter(({ name }) => present.has(name))
    .map(({ name, durability }) => `- ${name}: ${durability}`);
  return ["", "Durability:", "", ...lines, ...leftOut.map((reason) => `- left out: ${reason}`)];
}

/** On a server only: what its processes and the connections to it cost, for one operation or event. */
const costs = ["server CPU µs", "waited µs", "round trips", "statements"];

function table(unit: string, outcomes: Outcome[]): string[] {
  const header = [
    "contestant",
    "callers",
    unit,
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "CPU µs each",
    ...costs,
    "of raw",
    "Nereus is",
    "trouble",
  ];
  const rows = outcomes.flatMap((outcome) => outcome.standings.map((standing) => row(standing, outcome)));
  // a column nobody has anything to say in is left out
  const kept = header.map((_, column) => rows.some((cells) => cells[column] !== "" && cells[column] !== "-"));
  return aligned([header, ...rows].map((cells) => cells.filter((_, column) => kept[column])));
}

function row(standing: Standing, { standings, reference, discipline }: Outcome): string[] {
  const rates = standing.rates.filter((rate) => !Number.isNaN(rate));
  const range = `${significant(Math.min(...rates))} to ${significant(Math.max(...rates))}`;
  const spread = rates.length > 1 ? `${significant(median(rates))} (${range})` : significant(median(rates));
  const raw = standings.find(({ entry }) => entry === reference);
  const nereus = standings.find(({ entry }) => entry === `nereus-${discipline.store}`);
  const isNereus = standing === nereus;
  return [
    standing.entry,
    String(standing.callers),
    rates.length > 0 ? spread : succeeded(standing),
    significant(standing.of(({ p50 }) => p50)),
    significant(standing.of(({ p95 }) => p95)),
    significant(standing.of(({ p99 }) => p99)),
    significant(standing.of(microsEach)),
    significant(
      standing.of((result) => perOperation(result, result.traffic?.serverMicros)),
      2,
    ),
    significant(
      standing.of((result) => perOperation(result, (result.traffic?.waitedMillis ?? Number.NaN) * 1_000)),
      2,
    ),
    significant(
      standing.of((result) => perOperation(result, result.traffic?.roundTrips)),
      2,
    ),
    significant(
      standing.of((result) => perOperation(result, result.traffic?.statements)),
      2,
    ),
    percent(standing.ratioTo(raw)),
    isNereus ? "" : times(nereus?.ratioTo(standing) ?? Number.NaN),
    standing.trouble,
  ];
}

/** Where no round went without failures, what went through all the same. */
function succeeded(standing: Standing): string {
  const rate = standing.of(rateOf);
  return Number.isNaN(rate) ? "-" : `(${significant(rate)} went through)`;
}

const percent = (ratio: number): string => (Number.isNaN(ratio) ? "-" : `${significant(ratio * 100, 2)} %`);
const times = (ratio: number): string => (Number.isNaN(ratio) ? "-" : `${significant(ratio, 2)} x`);

function aligned(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0), 3));
  const lines = rows.map((cells) => `| ${cells.map((text, column) => text.padEnd(widths[column] ?? 0)).join(" | ")} |`);
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  return lines;
}

function judge({ text, unit, least = 0, most = Number.POSITIVE_INFINITY, figure }: Aim, outcomes: Outcome[]): string {
  const value = figure(outcomes);
  if (Number.isNaN(value)) return `- ${text}: not measured`;
  return `- ${text}: ${significant(value)} ${unit}, ${value >= least && value < most ? "reached" : "MISSED"}`;
}

/** For aims: the standing of an entry in the discipline of that title and number of callers. */
export function standingOf(outcomes: Outcome[], title: string, callers: number, entry: string): Standing | undefined {
  const outcome = outcomes.find(({ discipline }) => discipline.title === title && discipline.callers === callers);
  return outcome?.standings.find((standing) => standing.entry === entry);
}

export const rateIn = (outcomes: Outcome[], title: string, callers: number, entry: string): number =>
  median(standingOf(outcomes, title, callers, entry)?.rates ?? []);

export function ratioIn(outcomes: Outcome[], title: string, callers: number, entry: string, to: string): number {
  const [one, other] = [standingOf(outcomes, title, callers, entry), standingOf(outcomes, title, callers, to)];
  return one && other ? one.ratioTo(other) : Number.NaN;
}
