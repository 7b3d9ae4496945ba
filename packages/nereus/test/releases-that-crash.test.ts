import { setTimeout } from "node:timers/promises";
import { Domain, type Store } from "nereus";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Child, startChild } from "./support/child.ts";
import { keptPlaces } from "./support/kept-places.ts";
import { RecordedLog } from "./support/places.ts";
import { accounts, Open, Row, releases, tenants } from "./support/releases.ts";
import { storeAt } from "./support/store-at.ts";

/** How often one of the processes is killed. */
const kills = Number(process.env["NEREUS_TEST_CRASHES"] ?? 3);
const script = new URL("./support/releasing-child.ts", import.meta.url);
const names = Object.keys(releases);

async function started(store: Store, release: string): Promise<{ domain: Domain; log: RecordedLog }> {
  const log = new RecordedLog();
  const domain = new Domain("bank", { elements: releases[release] ?? [], store, log });
  await domain.start();
  onTestFinished(() => domain.stop());
  return { domain, log };
}

/** What every command that was answered left in the log, and what the rows come to by hand: by tenant and account. */
async function recount(store: Store, factor: number): Promise<{ sums: Record<string, number>; written: string[] }> {
  const sums: Record<string, number> = {};
  const written: string[] = [];
  for (let after = 0; ; ) {
    const { messages, through } = await store.log.readLog({ after, limit: 1000 });
    for (const { type, data, stream } of messages) {
      const { id, by, n } = JSON.parse(data);
      const key = `${stream.tenant} ${id}`;
      sums[key] = (sums[key] ?? 0) + (type === "Added" ? n * factor : 0);
      if (type === "Added") written.push(by);
    }
    if (through === after) return { sums, written };
    after = through;
  }
}

async function rowsOf(domain: Domain): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const tenant of tenants) {
    for (const { id, n } of await domain.view(Row, { tenant }).find()) sums[`${tenant} ${id}`] = n;
  }
  return sums;
}

describe.each(keptPlaces())("releases of one system side by side on $name", ({ open }) => {
  test("that are killed at any moment: commands of all go on, and the rows of each end as the log says", {
    timeout: 120_000 + kills * 30_000,
  }, async () => {
    const place = await open();
    const first = await started(storeAt(place), "v1");
    for (const tenant of tenants) {
      for (let id = 0; id < accounts; id++) await first.domain.process(new Open({ id: String(id) }), { tenant });
    }
    await first.domain.stop();
    const all: Child[] = [];
    const start = (release: string): Child => {
      const child = startChild(script, [place, release, `${release}-${all.length}`]);
      all.push(child);
      return child;
    };
    const running = new Map(names.map((release) => [release, start(release)]));
    const kill = async (release: string): Promise<void> => {
      const child = running.get(release);
      await child?.printed(8);
      await setTimeout(Math.random() * 60);
      child?.process.kill("SIGKILL");
      expect(await child?.ended).toBe("SIGKILL"); // it did not end by an error of its own
    };
    for (let at = 0; at < kills; at++) {
      const release = names[at % names.length] as string;
      await kill(release);
      running.set(release, start(release));
    }
    for (const release of names) await kill(release);
    const answered = all.flatMap(({ lines }) => lines);
    for (const [release, factor] of [
      ["v1", 1],
      ["v2", 2],
    ] as const) {
      const store = storeAt(place);
      const { domain, log } = await started(store, release);
      const { sums, written } = await recount(store, factor);
      expect(await rowsOf(domain)).toEqual(sums);
      expect(new Set(written).size).toBe(written.length);
      expect(answered.filter((by) => !written.includes(by))).toEqual([]);
      expect(log.errors).toEqual([]);
      await domain.stop();
    }
  });
});
