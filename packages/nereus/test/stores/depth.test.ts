import {
  Aggregate,
  Command,
  commandHandlers,
  Domain,
  type DomainOptions,
  Entity,
  Event,
  EventSourcedAggregate,
  hasMany,
  identifier,
  isNereusError,
  Projection,
  projector,
  type Store,
  subscriber,
  ValueObject,
} from "nereus";
import { deliver, given } from "nereus/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { checksumOf } from "../../src/log/checksum.ts";
import { everyStore } from "../support/every-store.ts";
import { RecordedLog } from "../support/places.ts";

interface Tree {
  readonly children: readonly Tree[];
}
const tree: z.ZodType<Tree> = z.lazy(() => z.object({ children: z.array(tree) }));
class Note extends ValueObject("Note", { any: z.unknown() }) {}
const parsed = z.string().transform((text): unknown => JSON.parse(text));

const fields = {
  id: identifier(),
  any: z.unknown(),
  tree: tree.optional(),
  note: Note.schema().optional(),
  text: parsed.optional(),
};
class Noted extends Event("Noted", { ...fields, text: z.unknown() }) {}
class Wrapped extends Event("Wrapped", { id: identifier() }) {}
class Part extends Entity("Part", { partId: identifier(), any: z.unknown() }) {}
class Sourced extends EventSourcedAggregate("Sourced", { id: identifier(), any: z.unknown() })
  .applies(Noted, (it, event) => {
    it.id = event.id;
    it.any = event.any;
  })
  .applies(Wrapped, (it) => {
    it.any = [it.any];
  }) {}
class Stored extends Aggregate("Stored", { id: identifier(), any: z.unknown(), parts: hasMany(Part) }) {}

class Copied extends Projection("Copied", { id: identifier(), any: z.unknown() }) {}
class Counted extends Projection("Counted", { id: identifier() }) {}

class Write extends Command("Write", fields) {}
class Wrap extends Command("Wrap", { id: identifier() }) {}
class Keep extends Command("Keep", { id: identifier(), any: z.unknown(), part: z.unknown() }) {}
class Find extends Command("Find", { where: z.custom<object>() }).returns<number>() {}
class Answer extends Command("Answer", { id: identifier() }).returns<unknown>() {}

const nest = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));
const treeOf = (levels: number): Tree => {
  let whole: Tree = { children: [] };
  for (let level = 2; level < levels; level += 2) whole = { children: [whole] };
  return whole;
};
const circle = (): Record<string, unknown> => {
  const it: Record<string, unknown> = { list: [] };
  it["list"] = [it];
  return it;
};

const elements = [
  Sourced,
  Stored,
  commandHandlers(Sourced)
    .create(Write, ({ id, any }) => Sourced.create((it) => it.raise(new Noted({ id, any }))))
    .update(Wrap, (it, { id }) => it.raise(new Wrapped({ id })))
    .on(Answer, () => nest(600)),
  commandHandlers(Stored)
    .create(Keep, ({ id, any, part }) => {
      const it = new Stored({ id, parts: [{ partId: "1", any: part }] });
      it.any = any;
      return it;
    })
    .on(Find, async ({ where }, { repository }) => (await repository(Stored).query({ where: where as never })).length),
  Copied,
  Counted,
  projector(Copied, { run: "async" }).create(Noted, ({ id, any }) => ({ id, any })),
  projector(Counted, { run: "async" }).create(Noted, ({ id }) => ({ id })),
  subscriber("Texts", { stream: "texts", message: parsed }, () => undefined),
  subscriber("Feed", { stream: "feed", message: z.unknown() }, () => undefined),
];

async function started(store: Store, options: Partial<DomainOptions> = {}): Promise<Domain> {
  const domain = new Domain("depth", { elements, store, log: new RecordedLog(), ...options });
  await domain.start();
  onTestFinished(() => domain.stop());
  return domain;
}

const codeOf = async (act: () => unknown): Promise<unknown> => {
  try {
    await act();
    return "done";
  } catch (error) {
    return isNereusError(error) ? error.code : error;
  }
};

describe("what is nested too deeply is refused when it is made", () => {
  test.each([
    ["any JSON", { any: nest(501) }],
    ["any JSON, 100,000 levels", { any: nest(100_000) }],
    ["a value that contains itself", { any: circle() }],
    ["a schema that contains itself", { tree: treeOf(100_000) }],
    ["a value object", { note: { any: nest(501) } }],
    ["what a transform makes of a text", { text: "[".repeat(600) + "]".repeat(600) }],
    ["maps and sets", { any: new Map([["a", new Set([nest(499)])]]) }],
  ])("%s", (_, given) => {
    expect(() => new Write({ id: "1", ...(given as object) })).toThrow(
      expect.objectContaining({ code: "VALUE_TOO_DEEP", issues: [expect.objectContaining({ code: "too_deep" })] }),
    );
  });

  test("the error names the field; 500 levels are taken", () => {
    expect(() => new Write({ id: "1", any: nest(501) })).toThrow(
      "Write: any: is nested more than 500 levels deep, or contains itself",
    );
    expect(new Write({ id: "1", any: nest(500), tree: treeOf(500) })).toMatchObject({ id: "1" });
  });

  test("also when it is assigned, changed in place, or changed with", () => {
    const it = new Stored({ id: "1", any: [], parts: [{ partId: "1" }] });
    const tooDeep = expect.objectContaining({ code: "VALUE_TOO_DEEP" });
    expect(() => Object.assign(it, { any: nest(501) })).toThrow(tooDeep);
    expect(() => it.change(() => (it.any as unknown[]).push(nest(500)))).toThrow(tooDeep);
    expect(() => it.change(() => (it.any as unknown[]).push(it.any))).toThrow(tooDeep);
    expect(() => Object.assign(it.parts.get("1"), { any: circle() })).toThrow(tooDeep);
    expect(() => new Note({ any: 1 }).with({ any: nest(501) })).toThrow(tooDeep);
    expect(it.any).toEqual([]);
  });

  test("of JSON that cannot be stored, the error names the path", () => {
    const write = new Write({ id: "1", any: { list: [1, { deep: 1n }] } });
    expect(() => JSON.stringify(write)).toThrow("any: The value at list.1.deep is 1, which JSON cannot carry");
  });

  test("a default that has no end is a fault of the model", () => {
    class Bad extends Event("Bad", { id: identifier(), any: z.unknown().default(circle()) }) {}
    expect(() => new Bad({ id: "1" })).toThrow(expect.objectContaining({ code: "VALUE_TOO_DEEP" }));
  });
});

test("a scenario that expects what has no end is told so", async () => {
  const noted = given(Sourced, new Noted({ id: "1", any: 1 })).when(() => undefined);
  await expect(noted.thenState({ any: circle() })).rejects.toMatchObject({ code: "VALUE_TOO_DEEP" });
});

describe.each(everyStore())("on $name", (kind) => {
  const can = test.skipIf(kind.missing !== undefined);

  can("500 levels are stored, copied by projections and read again", async () => {
    const domain = await started((await kind.open())());
    await domain.process(new Write({ id: "1", any: nest(500) }));
    await domain.process(new Keep({ id: "1", any: nest(500), part: nest(500) }));
    await domain.settle();
    expect(JSON.stringify((await domain.view(Copied).get("1"))?.any)).toBe(JSON.stringify(nest(500)));
    expect(await domain.process(new Find({ where: { id: "1" } }))).toBe(1);
  });

  can("a state that grows by a level with each event ends at 500, and nothing is written of the next", async () => {
    const domain = await started((await kind.open())(), { cachedAggregates: 0 });
    await domain.process(new Write({ id: "1", any: nest(499) }));
    expect(await codeOf(() => domain.process(new Wrap({ id: "1" })))).toBe("done");
    expect(await codeOf(() => domain.process(new Wrap({ id: "1" })))).toBe("VALUE_TOO_DEEP");
    await domain.send(new Wrap({ id: "1" }));
    const failure = await domain.settle().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "SENT_COMMAND_FAILED", cause: { code: "VALUE_TOO_DEEP" } });
    await domain.settle(); // it is not tried again
  });

  can("extensions, results that are kept, messages of others and filters", async () => {
    const domain = await started((await kind.open())());
    const write = new Write({ id: "1" });
    const extensions = { any: nest(600) };
    expect(await codeOf(() => domain.process(write, { extensions }))).toBe("VALUE_TOO_DEEP");
    expect(await codeOf(() => domain.process(write, { extensions: circle() }))).toBe("VALUE_TOO_DEEP");
    const answer = new Answer({ id: "1" });
    expect(await codeOf(() => domain.process(answer, { idempotencyKey: "k" }))).toBe("VALUE_TOO_DEEP");
    expect(await codeOf(() => deliver(domain, elements.at(-1) as never, nest(501)))).toBe("VALUE_TOO_DEEP");
    const text = "[".repeat(100_000) + "]".repeat(100_000);
    expect(await codeOf(() => deliver(domain, elements.at(-2) as never, text))).toBe("VALUE_TOO_DEEP");
    let where: object = { id: "1" };
    for (let level = 0; level < 400; level++) where = { not: where };
    expect(await codeOf(() => domain.process(new Find({ where })))).toBe("OPTION_INVALID");
    for (let level = 0; level < 20_000; level++) where = { not: where };
    expect(await codeOf(() => domain.view(Counted).find({ where: where as never }))).toBe("OPTION_INVALID");
    expect(await codeOf(() => domain.view(Counted).find({ where: circle() as never }))).toBe("OPTION_INVALID");
    expect(await domain.view(Counted).count()).toBe(0);
  });

  can(
    "what an earlier release stored is read; the projection that copies it fails with its event and position, and others go on",
    async () => {
      const open = await kind.open();
      const store = open();
      const domain = await started(store, { cachedAggregates: 0 });
      const data = JSON.stringify({ id: "old", any: nest(1200) });
      await store.commit({ appends: [{ ...append("old", data), expectedVersion: "none" }] });
      await domain.process(new Write({ id: "new" }), { tenant: "honest" });
      const failure = await domain.settle().catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "PROJECTION_FAILED", element: "Copied" });
      expect(String(failure)).toMatch(
        /Copied failed at Noted, position \d+: Copied: any: is nested more than 500 levels/,
      );
      expect(await domain.view(Counted).get("old")).toMatchObject({ id: "old" });
      expect(await domain.view(Counted, { tenant: "honest" }).get("new")).toMatchObject({ id: "new" });
      expect(await codeOf(() => domain.process(new Wrap({ id: "old" })))).toBe("VALUE_TOO_DEEP");
    },
  );

  can(
    "a message and a commit that are too large are refused, nothing written; an option raises the limits",
    async () => {
      const store = (await kind.open())();
      const domain = await started(store, { limits: { messageBytes: 3000, commitBytes: 4500 } });
      const large = (id: string, bytes: number) => new Write({ id, any: "ä".repeat(bytes / 2) });
      const head = await store.log.head();
      expect(await codeOf(() => domain.process(large("1", 3000)))).toBe("MESSAGE_TOO_LARGE");
      expect(await codeOf(() => domain.send(large("1", 3000)))).toBe("MESSAGE_TOO_LARGE");
      expect(await codeOf(() => domain.process(new Keep({ id: "1", any: "x".repeat(4500) })))).toBe("COMMIT_TOO_LARGE");
      expect(await store.log.head()).toBe(head);
      expect(await codeOf(() => domain.process(large("1", 2800)))).toBe("done");
      await domain.process(large("2", 2800));
      await domain.settle(); // a batch that is too large for one commit is divided
      expect(await domain.view(Copied).count()).toBe(2);
    },
  );
});

test("the limits of a domain are whole numbers", async () => {
  const { memory } = await import("nereus/memory");
  for (const limits of [{ messageBytes: -1 }, { commitBytes: 1.5 }]) {
    expect(() => new Domain("sizes", { elements, store: memory(), limits })).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID" }),
    );
  }
});

function append(id: string, data: string) {
  const now = Date.now();
  const message = {
    id: "01920000-0000-7000-8000-000000000001",
    type: "Noted",
    schemaVersion: 1,
    data,
    checksum: checksumOf(data),
    recordedAt: now,
    occurredAt: now,
    correlationId: "c",
    causationId: null,
    traceparent: null,
    extensions: null,
  };
  return { stream: { tenant: "", kind: "event", category: "Sourced", id } as const, messages: [message] };
}
