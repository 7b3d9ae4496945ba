import { expect, it } from "vitest";
import type { CommitWriter } from "../../src/adapters/sqlite/commit-writer.ts";
import { GroupCommit } from "../../src/adapters/sqlite/group-commit.ts";
import { numbersTo } from "../../src/conformance/samples.ts";
import type { Commit, CommitOutcome } from "../../src/ports/store.ts";

/** What node:sqlite throws, with SQLite's result code. */
function sqliteError(errcode: number): Error {
  return Object.assign(new Error(`result ${errcode}`), { code: "ERR_SQLITE_ERROR", errcode });
}

/** A writer that fails as it is told, in place of one on a real file. */
function groupCommit(writer: Partial<CommitWriter>, busyTimeout = 1000): GroupCommit {
  return new GroupCommit({ writer: writer as CommitWriter, path: "bank.db", busyTimeout });
}

function committed(position: number): CommitOutcome {
  return { status: "committed", position };
}

it("a file that is taken away while commits are tried alone is waited for, and each commit is answered once", async () => {
  let attempts = 0;
  const alone: Commit[] = [];
  const group = groupCommit({
    writeTogether(commits) {
      if (attempts++ === 0) throw sqliteError(2067);
      return commits.map((_, at) => committed(100 + at));
    },
    writeAlone(commit) {
      if (alone.length === 2) throw sqliteError(5);
      alone.push(commit);
      return committed(alone.length);
    },
  });
  const commits = numbersTo(5).map((at): Commit => ({ outbox: [{ id: `${at}`, destination: "d", data: "{}" }] }));
  const outcomes = await Promise.all(commits.map((commit) => group.commit(commit)));
  expect(outcomes).toEqual([1, 2, 100, 101, 102].map(committed));
  expect(alone).toEqual(commits.slice(0, 2));
});

it("commits that come in while the file is held keep their order behind those that wait", async () => {
  let attempts = 0;
  const written: (string | undefined)[] = [];
  const group = groupCommit({
    writeTogether(commits) {
      if (attempts++ < 3) throw sqliteError(5);
      return commits.map(({ outbox }) => committed(written.push(outbox?.[0]?.id)));
    },
  });
  const commit = (id: string): Promise<CommitOutcome> =>
    group.commit({ outbox: [{ id, destination: "d", data: "{}" }] });
  const first = [commit("1"), commit("2")];
  await new Promise((resolve) => setTimeout(resolve, 2));
  await Promise.all([...first, commit("3")]);
  expect(written).toEqual(["1", "2", "3"]);
  await group.drained();
});

it("more commits than one transaction takes are written in several, in order", async () => {
  const sizes: number[] = [];
  let position = 0;
  const group = groupCommit({
    writeTogether(commits) {
      sizes.push(commits.length);
      return commits.map(() => committed(++position));
    },
  });
  const outcomes = await Promise.all(numbersTo(1100).map(() => group.commit({})));
  expect(outcomes).toEqual(numbersTo(1100).map((at) => committed(at + 1)));
  expect(sizes).toEqual([512, 512, 76]);
});
