/** Claim 2: a whole command (validate, load the aggregate, decide, append), on new orders and on orders of 100 events. */
import { type Discipline, holdContest, type Outcome, readOptions } from "./contest.ts";
import { priorEvents } from "./history.ts";
import { rateIn, ratioIn, report } from "./report.ts";

const bareAppend = "raw-sqlite, bare append by 1";
const titleOf = (store: string, prior: number): string =>
  `Command with ${prior} prior events, ${store === "sqlite" ? "SQLite file" : "in memory"}`;
const stores = ["sqlite", "memory"] as const;

const disciplines = stores.flatMap((store) =>
  ([0, priorEvents] as const).flatMap((prior) =>
    [1, 16, 64].map(
      (callers): Discipline => ({
        title: titleOf(store, prior),
        task: { kind: "command", prior, concurrency: callers },
        callers,
        ability: "commandRunner",
        store,
        history: prior === 0 ? "none" : "command",
        ...(store === "sqlite" && {
          yardsticks: [{ contestant: "raw-sqlite", label: bareAppend, task: { kind: "append", concurrency: 1 } }],
        }),
      }),
    ),
  ),
);

const contest = await holdContest(disciplines, readOptions());
report(
  "Command",
  "commands/s",
  contest,
  ([0, priorEvents] as const).flatMap((prior) => [
    {
      text: `${prior} prior events, SQLite, 1 caller: at least 60 % of the bare append transaction`,
      unit: "%",
      least: 60,
      figure: (outcomes) => 100 * ratioIn(outcomes, titleOf("sqlite", prior), 1, "nereus-sqlite", bareAppend),
    },
    {
      text: `${prior} prior events, SQLite, 64 callers, synchronous=FULL: at least 20,000 commands/s`,
      unit: "commands/s",
      least: 20_000,
      figure: (outcomes) => rateIn(outcomes, titleOf("sqlite", prior), 64, "nereus-sqlite"),
    },
    ...(["emmett-memory-one-store", "emmett-memory"] as const).map((peer) => ({
      text: `${prior} prior events, in memory, 1 caller: at least twice the CommandHandler of ${peer}`,
      unit: "x",
      least: 2,
      figure: (outcomes: Outcome[]) => ratioIn(outcomes, titleOf("memory", prior), 1, "nereus-memory", peer),
    })),
  ]),
);
