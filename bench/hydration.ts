/** Claim 3: loading an aggregate of 100, 1,000 and 10,000 events from a SQLite file, without cache or snapshot. */
import { type Discipline, holdContest, readOptions } from "./contest.ts";
import { hydrationSizes } from "./history.ts";
import { ratioIn, report } from "./report.ts";

const titleOf = (size: number): string => `Loading ${size.toLocaleString("en-US")} events`;

const disciplines = hydrationSizes.map(
  (size): Discipline => ({
    title: titleOf(size),
    task: { kind: "hydration", size },
    callers: 1,
    ability: "hydrator",
    store: "sqlite",
    history: "hydration",
  }),
);

const contest = await holdContest(disciplines, readOptions());
report(
  "Hydration",
  "events/s",
  contest,
  hydrationSizes.map((size) => ({
    text: `${titleOf(size)}: at least 60 % of select, JSON.parse and fold by hand`,
    unit: "%",
    least: 60,
    figure: (outcomes) => 100 * ratioIn(outcomes, titleOf(size), 1, "nereus-sqlite", "raw-sqlite"),
  })),
);
