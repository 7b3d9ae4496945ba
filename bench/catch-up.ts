/** Claim 4: an asynchronous projection that starts at the beginning of a log of 100,000 events, into rows. */
import { type Discipline, holdContest, readOptions } from "./contest.ts";
import { rateIn, report } from "./report.ts";

const title = "Catching up 100,000 events into 1,000 rows, SQLite file";

const disciplines: Discipline[] = [
  { title, task: { kind: "catch-up" }, callers: 1, ability: "catchUp", store: "sqlite", history: "catch-up" },
];

const contest = await holdContest(disciplines, readOptions());
report("Catch-up", "events/s", contest, [
  {
    text: "at least 100,000 events/s",
    unit: "events/s",
    least: 100_000,
    figure: (outcomes) => rateIn(outcomes, title, 1, "nereus-sqlite"),
  },
]);
