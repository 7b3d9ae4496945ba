import { Aggregate, identifier, ValueObject } from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { places } from "./support/places.ts";
import { workbench } from "./support/workbench.ts";

class Span extends ValueObject("Span", { until: z.date(), size: z.bigint() }) {}
class Pass extends Aggregate(
  "Pass",
  {
    id: identifier(),
    until: z.date().optional(),
    size: z.bigint().optional(),
    span: Span.schema().optional(),
    name: z.string().optional(),
    tags: z.array(z.string()).default([]),
    seen: z.set(z.number()).default(new Set()),
    days: z.array(z.date()).default([]),
  },
  { indexes: [["until"], ["size"], ["name"]] },
) {}
const bench = workbench(Pass);

const moments = [
  "-271821-04-20T00:00:00.000Z",
  "-000044-03-15T00:00:00.000Z",
  "-000043-03-15T00:00:00.000Z",
  "-000043-03-15T00:00:00.001Z",
  "0000-01-01T00:00:00.000Z",
  "0999-12-31T23:59:59.999Z",
  "2026-03-15T12:00:00.000Z",
  "9999-12-31T23:59:59.999Z",
  "+010000-01-01T00:00:00.000Z",
  "+275760-09-13T00:00:00.000Z",
].map((text) => new Date(text));
const least = -(2n ** 63n);
const sizes = [
  -(10n ** 40n) - 1n,
  -(10n ** 40n),
  least - 1n,
  least,
  least + 1n,
  0n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n,
  10n ** 400n,
];

describe.each(places())("on $name", (kind) => {
  const opened = async (passes: readonly ConstructorParameters<typeof Pass>[0][]) => {
    const domain = await kind.open().start([Pass, bench.handlers]);
    await bench.run(domain, async ({ repository }) => {
      for (const one of passes) await repository(Pass).add(new Pass(one));
    });
    return (selection: object) =>
      bench.run(domain, async ({ repository }) => (await repository(Pass).query(selection)).map(({ id }) => id));
  };

  test("dates of any year and whole numbers of any size are ordered and compared exactly, also within a value object", async () => {
    const found = await opened([
      ...moments.map((until, at) => {
        const size = sizes[at] ?? 0n;
        return { id: String(at), until, size, span: new Span({ until, size }) };
      }),
      { id: "none" },
    ]);
    const all = moments.map((_, at) => String(at));
    for (const at of moments.keys()) {
      const [until, size] = [moments[at] as Date, sizes[at] as bigint];
      for (const [field, value] of Object.entries({ until, size })) {
        for (const wrap of [(test: unknown) => ({ [field]: test }), (test: unknown) => ({ span: { [field]: test } })]) {
          const orderBy = wrap("asc");
          const ids = (test: unknown) => found({ where: wrap(test), orderBy });
          expect(await ids({ eq: value })).toEqual([`${at}`]);
          expect(await ids({ in: [value] })).toEqual([`${at}`]);
          expect(await ids({ ne: value })).toEqual(["none", ...all.filter((id) => id !== `${at}`)]);
          expect(await ids({ lt: value })).toEqual(all.slice(0, at));
          expect(await ids({ gte: value })).toEqual(all.slice(at));
        }
      }
    }
    expect(await found({ orderBy: { until: "desc" } })).toEqual([...all.toReversed(), "none"]);
    expect(await found({ orderBy: { span: { size: "desc" } } })).toEqual([...all.toReversed(), "none"]);
  });

  /** Letters that languages treat in their own ways, each as one character for one. */
  const names = [
    "Istanbul",
    "istanbul",
    "İstanbul",
    "ıstanbul",
    "STRASSE",
    "Straße",
    "STRAẞE",
    "ΣΟΦΟΣ",
    "σοφος",
    "σοφος".replace(/ς$/, "σ"),
    "É",
    "é",
    "e\u0301",
    "K",
    "K",
    "a%_*[A]\0ß",
    "😀",
    "ǅ",
    "ǆ",
    "𐐀",
    "𐐨",
  ];

  test("texts are compared without regard to case alike everywhere, by Unicode's simple case folding", async () => {
    const found = await opened(names.map((name, at) => ({ id: String(at).padStart(2, "0"), name })));
    const same = (text: string, other: string): boolean => {
      const [own, letters] = [[...text], [...other]];
      return own.length === letters.length && own.every((one, at) => sameLetter(one, letters[at] as string));
    };
    const wanted = (holds: (name: string) => boolean): string[] =>
      [...names.entries()].filter(([, name]) => holds(name)).map(([at]) => String(at).padStart(2, "0"));
    const starts = (name: string, start: string) => same([...name].slice(0, [...start].length).join(""), start);
    const has = (name: string, part: string) => [...name].some((_, at) => starts([...name].slice(at).join(""), part));
    for (const name of names) {
      for (const asked of [name, [...name].slice(0, 3).join(""), [...name].slice(-2).join("")]) {
        const ask = (test: object) => found({ where: { name: { ...test, ignoreCase: true } } });
        expect(await ask({ eq: asked }), asked).toEqual(wanted((one) => same(one, asked)));
        expect(await ask({ ne: asked }), asked).toEqual(wanted((one) => !same(one, asked)));
        expect(await ask({ in: [asked, "none"] }), asked).toEqual(wanted((one) => same(one, asked)));
        expect(await ask({ startsWith: asked }), asked).toEqual(wanted((one) => starts(one, asked)));
        expect(await ask({ contains: asked }), asked).toEqual(wanted((one) => has(one, asked)));
        const exact = await found({ where: { name: { startsWith: asked } } });
        expect(exact, asked).toEqual(wanted((one) => one.startsWith(asked)));
      }
    }
    expect(await found({ where: { name: { contains: "STANBUL", ignoreCase: true } } })).toEqual([
      "00",
      "01",
      "02",
      "03",
    ]);
    expect(await found({ where: { name: { eq: "straẞe", ignoreCase: true } } })).toEqual(["05", "06"]);
    expect(await found({ where: { name: { eq: "strasse", ignoreCase: true } } })).toEqual(["04"]);
  });

  test("a list or a set has an item by its very value", async () => {
    const found = await opened([
      { id: "a", tags: ["red", "10"], seen: new Set([1, 2.5]), days: [new Date(0)] },
      { id: "b", tags: ["Red"], seen: new Set([10]) },
      { id: "c", days: [new Date(8.64e15), new Date(1)] },
    ]);
    expect(await found({ where: { tags: { has: "red" } } })).toEqual(["a"]);
    expect(await found({ where: { tags: { has: "re" } } })).toEqual([]);
    expect(await found({ where: { not: { tags: { has: "red" } } } })).toEqual(["b", "c"]);
    expect(await found({ where: { seen: { has: 10 } } })).toEqual(["b"]);
    expect(await found({ where: { seen: { has: 2.5 } } })).toEqual(["a"]);
    expect(await found({ where: { days: { has: new Date(8.64e15) } } })).toEqual(["c"]);
    expect(await found({ where: { or: [{ tags: { has: "10" } }, { days: { has: new Date(1) } }] } })).toEqual([
      "a",
      "c",
    ]);
  });
});

function sameLetter(one: string, other: string): boolean {
  return one === other || new RegExp(`^\\u{${one.codePointAt(0)?.toString(16)}}$`, "iu").test(other);
}
