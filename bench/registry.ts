/** Every contestant by name, and the file it lives in: files load only in the process of a cell. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Contestant } from "./contestant.ts";

const files: Record<string, string> = {
  "raw-sqlite": "raw-sqlite",
  "raw-sqlite-grouped": "raw-sqlite",
  "emmett-sqlite": "emmett-sqlite",
  "emmett-sqlite-shared": "emmett-sqlite",
  "nereus-sqlite": "nereus",
  "emmett-memory": "emmett-memory",
  "emmett-memory-one-store": "emmett-memory",
  "castore-memory": "castore-memory",
  "nereus-sqlite-uncached": "nereus",
  "nereus-memory": "nereus",
};

const addressOf = (name: string): URL => new URL(`./contestants/${files[name]}.ts`, import.meta.url);

/** Contestants whose name is, or begins with, one of `only`; all of them without it. */
export function contestantNames(only: string[] | undefined): string[] {
  const names = Object.keys(files).filter((name) => existsSync(fileURLToPath(addressOf(name))));
  if (!only) return names;
  for (const wanted of only) {
    if (!Object.keys(files).some((name) => name.startsWith(wanted))) throw new Error(`no contestant "${wanted}"`);
  }
  return names.filter((name) => only.some((wanted) => name.startsWith(wanted)));
}

export async function loadContestant(name: string): Promise<Contestant> {
  const module = (await import(addressOf(name).href)) as { contestants: Contestant[] };
  const contestant = module.contestants.find((candidate) => candidate.name === name);
  if (!contestant) throw new Error(`${files[name]}.ts exports no contestant "${name}"`);
  return contestant;
}
