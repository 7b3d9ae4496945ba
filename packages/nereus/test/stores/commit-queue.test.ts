import { describe, expect, test } from "vitest";
import { CommitQueue } from "../../src/adapters/commit-queue.ts";
import { appendOf, messageOf } from "../../src/conformance/samples.ts";
import type { Commit } from "../../src/ports/store.ts";

const commitOf = (tenant: string, id: string): Commit => {
  const { stream, ...append } = appendOf(id, "any", messageOf());
  return { appends: [{ ...append, stream: { ...stream, tenant } }] };
};
const ignore = (): void => undefined;

function queueOf(...names: string[]) {
  const queue = new CommitQueue<void>();
  const commits = names.map((name) => commitOf(name.replace(/\d+$/, ""), name));
  for (const commit of commits) queue.add({ commit, resolve: ignore, reject: ignore });
  return { queue, commits };
}
const take = (queue: CommitQueue<void>, most: number, fits?: (commit: Commit) => boolean) =>
  queue.take(most, fits).map(({ commit }) => commit.appends?.[0]?.stream.id);

describe("commits that wait", () => {
  test("of one tenant are taken in the order in which they came", () => {
    const { queue } = queueOf("a1", "a2", "a3", "a4", "a5");
    expect(take(queue, 2)).toEqual(["a1", "a2"]);
    expect(take(queue, 9)).toEqual(["a3", "a4", "a5"]);
    expect(queue.size).toBe(0);
  });

  test("of several tenants are taken in turn, each tenant's in the order in which they came", () => {
    const { queue } = queueOf("a1", "a2", "a3", "a4", "b1", "c1", "c2");
    expect(take(queue, 4)).toEqual(["a1", "b1", "c1", "a2"]);
    expect(take(queue, 9)).toEqual(["c2", "a3", "a4"]);
  });

  test("of a quiet tenant are in the next batch, however many of a busy one came before", () => {
    const { queue } = queueOf(...Array.from({ length: 4096 }, (_, n) => `busy${n}`), "quiet0");
    expect(take(queue, 512)).toContain("quiet0");
    expect(take(queue, 512)).toHaveLength(512);
    expect(queue.size).toBe(4097 - 1024);
  });

  test("that do not fit stay first in their line", () => {
    const { queue, commits } = queueOf("a1", "b1", "a2");
    expect(take(queue, 9, (commit) => commit !== commits[1])).toEqual(["a1"]);
    expect(take(queue, 9)).toEqual(["b1", "a2"]);
  });

  test("that are put back come before all others", () => {
    const { queue } = queueOf("a1", "a2", "b1");
    queue.putBack(queue.take(2));
    expect(queue.size).toBe(3);
    expect(take(queue, 1)).toEqual(["a1"]);
    expect(take(queue, 9)).toEqual(["b1", "a2"]);
  });

  test("may be taken back, also when they were put back", () => {
    const { queue, commits } = queueOf("a1", "a2", "b1", "b2");
    queue.putBack(queue.take(1));
    for (const at of [0, 3]) expect(queue.withdraw(commits[at] as Commit)?.commit).toBe(commits[at]);
    expect(queue.withdraw(commits[0] as Commit)).toBeUndefined();
    expect(take(queue, 9)).toEqual(["b1", "a2"]);
    expect(queue.size).toBe(0);
  });
});
