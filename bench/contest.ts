/** Plays the cells: in each round, for each discipline, every entrant in turn, each in a process of its own. */
import { parseArgs } from "node:util";
import type { CellResult, Description, Task } from "./cell.ts";
import type { Ability, Place, StoreKind } from "./contestant.ts";
import { Ground } from "./ground.ts";
import type { HistoryName } from "./history.ts";
import { describeError } from "./measure.ts";
import { ask } from "./process-of-cell.ts";
import { contestants } from "./registry.ts";
import { Standing } from "./standing.ts";

export type Options = { rounds: number; seconds: number; only: string[] | undefined; claims: string[] | undefined };

export type Discipline = {
  /** Disciplines of one title share a table. */
  title: string;
  task: Task;
  callers: number;
  ability: Ability;
  store: StoreKind;
  history: HistoryName;
  /** Contestants entered with another task; what ratios refer to is the first of them. */
  yardsticks?: { contestant: string; label: string; task: Task }[];
};

export type Entrant = { label: string; description: Description; task: Task; history: HistoryName };
export type Outcome = { discipline: Discipline; standings: Standing[]; reference: string | undefined };
export type Contest = { options: Options; descriptions: Description[]; leftOut: string[]; outcomes: Outcome[] };

export function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "1" },
      only: { type: "string" },
      claim: { type: "string" },
    },
  });
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
  if (!(rounds >= 1 && rounds <= 50)) throw new Error("--rounds takes 1 to 50");
  if (!(seconds >= 0.2 && seconds <= 30)) throw new Error("--seconds takes 0.2 to 30");
  return { rounds, seconds, only: listed(values.only), claims: listed(values.claim) };
}

const listed = (names: string | undefined): string[] | undefined => names?.split(",").filter((name) => name !== "");

export async function holdContest(disciplines: Discipline[], options: Options): Promise<Contest> {
  const ground = new Ground();
  try {
    return await play(ground, disciplines, options);
  } finally {
    await ground.close();
    announce("");
  }
}

async function play(ground: Ground, disciplines: Discipline[], options: Options): Promise<Contest> {
  const stores = new Set(disciplines.map(({ store }) => store));
  const { descriptions, leftOut } = await describeAll(ground, stores, options);
  const entrants = disciplines.map((discipline) => entrantsOf(discipline, descriptions));
  const seeds = await seedAll(ground, entrants.flat(), leftOut);
  const outcomes = disciplines.map((discipline, n) => newOutcome(discipline, entrants[n] as Entrant[]));
  for (let round = 0; round < options.rounds; round++) {
    for (const [n, outcome] of outcomes.entries()) {
      await playRound(ground, seeds, outcome, entrants[n] as Entrant[], round, options);
    }
  }
  return { options, descriptions, leftOut, outcomes };
}

async function describeAll(ground: Ground, stores: Set<StoreKind>, options: Options) {
  const descriptions: Description[] = [];
  const leftOut: string[] = [];
  for (const { name: contestant, store } of contestants(options.only)) {
    if (!stores.has(store)) continue;
    try {
      const place = await ground.empty(store, "none");
      const answer = await ask({ contestant, place, ask: "describe" }, 30);
      if ("description" in answer) descriptions.push(answer.description);
      else leftOut.push(`${contestant}: ${"fault" in answer ? answer.fault : "no description"}`);
      await ground.remove(place);
    } catch (error) {
      leftOut.push(`${contestant}: ${describeError(error)}`);
    }
  }
  return { descriptions, leftOut };
}

function entrantsOf(discipline: Discipline, descriptions: Description[]): Entrant[] {
  const { store, ability, task, history, yardsticks = [] } = discipline;
  const able = descriptions.filter(
    (description) => description.store === store && description.abilities.includes(ability),
  );
  const entrants: Entrant[] = able.map((description) => ({ label: description.name, description, task, history }));
  const measures = yardsticks.flatMap(({ contestant, label, task }): Entrant[] => {
    const description = descriptions.find(({ name }) => name === contestant);
    return description ? [{ label, description, task, history: "none" }] : [];
  });
  return [...measures, ...entrants];
}

function newOutcome(discipline: Discipline, entrants: Entrant[]): Outcome {
  const [yardstick] = discipline.yardsticks ?? [];
  const raw = entrants.find((entrant) => entrant.label === yardstick?.label || entrant.description.raw);
  const standings = entrants.map((entrant) => new Standing(entrant.label, discipline.callers));
  return { discipline, standings, reference: raw?.label };
}

type Seeds = Map<string, Place>;
const seedKey = ({ description, history }: Entrant): string => `${description.name} ${history}`;

/** Writes each history once for each contestant that keeps it; every cell gets a copy. */
async function seedAll(ground: Ground, entrants: Entrant[], leftOut: string[]): Promise<Seeds> {
  const seeds: Seeds = new Map();
  const failed = new Set<string>();
  for (const entrant of entrants) {
    const key = seedKey(entrant);
    if (entrant.history === "none" || !entrant.description.seeds || seeds.has(key) || failed.has(key)) continue;
    announce(`seeding ${key}`);
    const place = await ground.empty(entrant.description.store, entrant.history);
    const answer = await ask({ contestant: entrant.description.name, place, ask: "seed" }, 180);
    if ("seeded" in answer) {
      await ground.settle(place);
      seeds.set(key, place);
    } else {
      failed.add(key);
      leftOut.push(
        `${entrant.description.name} with the history "${entrant.history}": ${"fault" in answer ? answer.fault : "?"}`,
      );
    }
  }
  return seeds;
}

async function playRound(
  ground: Ground,
  seeds: Seeds,
  outcome: Outcome,
  entrants: Entrant[],
  round: number,
  options: Options,
) {
  for (let turn = 0; turn < entrants.length; turn++) {
    const n = (turn + round) % entrants.length;
    const [entrant, standing] = [entrants[n] as Entrant, outcome.standings[n] as Standing];
    const { title, callers } = outcome.discipline;
    announce(`round ${round + 1} of ${options.rounds}: ${title}, ${callers} callers, ${entrant.label}`);
    const result = standing.hopeless ? undefined : await playCell(ground, seeds, entrant, options, standing);
    standing.results.push(result);
  }
}

async function playCell(
  ground: Ground,
  seeds: Seeds,
  entrant: Entrant,
  options: Options,
  standing: Standing,
): Promise<CellResult | undefined> {
  const seed = seeds.get(seedKey(entrant));
  const { description, task, history } = entrant;
  if (!seed && description.seeds && history !== "none") {
    standing.faults.push("could not be seeded");
    return undefined;
  }
  const place = await (seed ? ground.copy(seed) : ground.empty(description.store, history));
  const question = { contestant: description.name, place, seconds: options.seconds, ask: "measure", task } as const;
  const answer = await ask(question, options.seconds * 6 + 20);
  await ground.remove(place);
  if ("result" in answer) return answer.result;
  standing.faults.push("fault" in answer ? answer.fault : "gave no result");
  return undefined;
}

function announce(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}
