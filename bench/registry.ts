/** Every contestant by name, and the file it lives in: files load only in the process of a cell. */
import type { Contestant, StoreKind } from "./contestant.ts";

type Entry = { file: string; store: StoreKind };

const entries: Record<string, Entry> = {
  "raw-sqlite": { file: "raw-sqlite", store: "sqlite" },
  "raw-sqlite-grouped": { file: "raw-sqlite", store: "sqlite" },
  "emmett-sqlite": { file: "emmett-sqlite", store: "sqlite" },
  "emmett-sqlite-shared": { file: "emmett-sqlite", store: "sqlite" },
  "nereus-sqlite": { file: "nereus", store: "sqlite" },
  "emmett-memory": { file: "emmett-memory", store: "memory" },
  "emmett-memory-one-store": { file: "emmett-memory", store: "memory" },
  "castore-memory": { file: "castore-memory", store: "memory" },
  "nereus-sqlite-uncached": { file: "nereus", store: "sqlite" },
  "nereus-sqlite-snapshots": { file: "nereus", store: "sqlite" },
  "nereus-memory": { file: "nereus", store: "memory" },
  pgbench: { file: "pgbench", store: "postgres" },
  "raw-postgres": { file: "raw-postgres", store: "postgres" },
  "raw-postgres-page": { file: "raw-postgres", store: "postgres" },
  "message-db": { file: "message-db", store: "postgres" },
  "emmett-postgres": { file: "emmett-postgres", store: "postgres" },
  "nereus-postgres": { file: "nereus", store: "postgres" },
  "nereus-postgres-snapshots": { file: "nereus", store: "postgres" },
};

/** Contestants whose name is, or begins with, one of `only`; all of them without it. */
export function contestants(only: string[] | undefined): { name: string; store: StoreKind }[] {
  const all = Object.entries(entries).map(([name, { store }]) => ({ name, store }));
  if (!only) return all;
  for (const wanted of only) {
    if (!all.some(({ name }) => name.startsWith(wanted))) throw new Error(`no contestant "${wanted}"`);
  }
  return all.filter(({ name }) => only.some((wanted) => name.startsWith(wanted)));
}

export async function loadContestant(name: string): Promise<Contestant> {
  const file = entries[name]?.file;
  const module = (await import(`./contestants/${file}.ts`)) as { contestants: Contestant[] };
  const contestant = module.contestants.find((candidate) => candidate.name === name);
  if (!contestant) throw new Error(`${file}.ts exports no contestant "${name}"`);
  return contestant;
}
