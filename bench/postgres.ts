/** Claim 5: Nereus on PostgreSQL beside its peers and the bare limits, on one server. `--claim a,b` picks among them. */
import { type Discipline, holdContest, type Options, type Outcome, readOptions } from "./contest.ts";
import { priorEvents } from "./history.ts";
import { type Aim, rateIn, ratioIn, report, standingOf } from "./report.ts";

const nereus = "nereus-postgres";
const emmett = "emmett-postgres";
const store = "postgres";
const least = (text: string, unit: string, least: number, figure: Aim["figure"]): Aim => ({
  text,
  unit,
  least,
  figure,
});

const pgbench = (callers: number): string => `pgbench, bare insert by ${callers}`;
const commandTitle = (prior: number): string =>
  prior === 0 ? "Command on new orders" : `Command on orders of ${prior} events, warm where there is a cache`;

const commands = ([0, priorEvents] as const).flatMap((prior) =>
  [1, 64].map(
    (callers): Discipline => ({
      title: commandTitle(prior),
      task: { kind: "command", prior, concurrency: callers, warm: prior > 0 },
      callers,
      ability: "commandRunner",
      store,
      history: prior === 0 ? "none" : "command",
      yardsticks: [
        { contestant: "pgbench", label: pgbench(callers), task: { kind: "append", concurrency: callers } },
        { contestant: "raw-postgres", label: "pg, bare insert", task: { kind: "append", concurrency: callers } },
        { contestant: "message-db", label: "write_message", task: { kind: "append", concurrency: callers } },
      ],
    }),
  ),
);

/** The lower of 20,000 a second and what pgbench reaches in the same run, as percent of that. */
function shareOfLimit(outcomes: Outcome[], prior: number): number {
  const own = rateIn(outcomes, commandTitle(prior), 64, nereus);
  const limit = Math.min(20_000, rateIn(outcomes, commandTitle(prior), 64, pgbench(64)));
  return (100 * own) / limit;
}

const commandAims = ([priorEvents, 0] as const).flatMap((prior) => [
  least(`${commandTitle(prior)}, 64 callers: 20,000/s or pgbench's rate, whichever is lower`, "%", 100, (outcomes) =>
    shareOfLimit(outcomes, prior),
  ),
  least(`${commandTitle(prior)}, 64 callers: 10 times Emmett's CommandHandler`, "x", 10, (outcomes) =>
    ratioIn(outcomes, commandTitle(prior), 64, nereus, emmett),
  ),
  least(`${commandTitle(prior)}, 1 caller: twice Emmett's CommandHandler`, "x", 2, (outcomes) =>
    ratioIn(outcomes, commandTitle(prior), 1, nereus, emmett),
  ),
]);

const hydrationTitle = "Loading 1,000 events";
const hydration: Discipline[] = [
  {
    title: hydrationTitle,
    task: { kind: "hydration", size: 1_000 },
    callers: 1,
    ability: "hydrator",
    store,
    history: "hydration",
  },
];
const hydrationAims = [
  least("1.7 times Emmett's events/s", "x", 1.7, (outcomes) => ratioIn(outcomes, hydrationTitle, 1, nereus, emmett)),
  least(
    "85 % of a bare fetch of rows, JSON.parse and fold",
    "%",
    85,
    (outcomes) => 100 * ratioIn(outcomes, hydrationTitle, 1, nereus, "raw-postgres"),
  ),
  least(
    "85 % of a bare fetch of one row per stream",
    "%",
    85,
    (outcomes) => 100 * ratioIn(outcomes, hydrationTitle, 1, nereus, "raw-postgres-page"),
  ),
];

const catchUpTitle = "Catching up 100,000 events into 1,000 rows";
const catchUp: Discipline[] = [
  { title: catchUpTitle, task: { kind: "catch-up" }, callers: 1, ability: "catchUp", store, history: "catch-up" },
];
const catchUpAims = [
  least("at least 100,000 events/s", "events/s", 100_000, (outcomes) => rateIn(outcomes, catchUpTitle, 1, nereus)),
];

const visibilityTitle = "From a command to the row of an async projection, light load";
const visibility: Discipline[] = [
  { title: visibilityTitle, task: { kind: "visibility" }, callers: 1, ability: "visibility", store, history: "none" },
];
const under = (text: string, milliseconds: number, of: "p50" | "p99"): Aim => ({
  text,
  unit: "ms",
  most: milliseconds,
  figure: (outcomes) => standingOf(outcomes, visibilityTitle, 1, nereus)?.of((result) => result[of]) ?? Number.NaN,
});
const visibilityAims = [under("p50 under 5 ms", 5, "p50"), under("p99 under 25 ms", 25, "p99")];

type Claim = { heading: string; unit: string; disciplines: Discipline[]; aims: Aim[] };
const claims: Record<string, Claim> = {
  command: { heading: "Command", unit: "commands/s", disciplines: commands, aims: commandAims },
  hydration: { heading: "Hydration", unit: "events/s", disciplines: hydration, aims: hydrationAims },
  "catch-up": { heading: "Catch-up", unit: "events/s", disciplines: catchUp, aims: catchUpAims },
  visibility: { heading: "Visibility", unit: "seen/s", disciplines: visibility, aims: visibilityAims },
};

async function play(options: Options): Promise<void> {
  for (const name of options.claims ?? Object.keys(claims)) {
    const claim = claims[name];
    if (!claim) throw new Error(`no claim "${name}": there are ${Object.keys(claims).join(", ")}`);
    const contest = await holdContest(claim.disciplines, options);
    report(`PostgreSQL: ${claim.heading}`, claim.unit, contest, claim.aims);
  }
}

await play(readOptions());
