/** Claim 1: appending one event of about 300 bytes to a new stream, acknowledged when it is durable. */
import { type Discipline, holdContest, readOptions } from "./contest.ts";
import { ratioIn, report } from "./report.ts";

const titles = { sqlite: "One-event append, SQLite file", memory: "One-event append, in memory" };
const stores = ["sqlite", "memory"] as const;

const disciplines = stores.flatMap((store) =>
  [1, 16, 64].map(
    (callers): Discipline => ({
      title: titles[store],
      task: { kind: "append", concurrency: callers },
      callers,
      ability: "appender",
      store,
      history: "none",
    }),
  ),
);

const contest = await holdContest(disciplines, readOptions());
report("Append", "appends/s", contest, [
  {
    text: "at 1 caller at least 60 % of the bare append transaction",
    unit: "%",
    least: 60,
    figure: (outcomes) => 100 * ratioIn(outcomes, titles.sqlite, 1, "nereus-sqlite", "raw-sqlite"),
  },
  {
    text: "at 64 callers at least 50 % of bare appends that share a commit",
    unit: "%",
    least: 50,
    figure: (outcomes) => 100 * ratioIn(outcomes, titles.sqlite, 64, "nereus-sqlite", "raw-sqlite-grouped"),
  },
]);
