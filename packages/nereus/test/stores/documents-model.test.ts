import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { people } from "../../src/conformance/samples.ts";
import type { Condition, DocumentQuery, StoredScalar } from "../../src/ports/store.ts";
import { storeKinds } from "./store-kinds.ts";

/** Few values of each type, so that conditions hit; with the ones that databases treat in their own way among them. */
const values: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  name: fc.constantFrom(
    "",
    "a",
    "A",
    "ab",
    "é",
    "e\u0301",
    "\ue000",
    "\uffee",
    "😀",
    "😀a",
    "10",
    "9",
    "%",
    "_",
    "a\0b",
    "true",
  ),
  age: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(2 ** 53 - 1, -(2 ** 53), 1e15)),
  height: fc.oneof(
    fc.constantFrom(0.1, 0.2, 0.30000000000000004, 1, -1.5, 1e-320, 1e300, 5e-324),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  ),
  active: fc.boolean(),
  savings: fc
    .oneof(fc.integer({ min: -12, max: 12 }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
    .map(String),
  extra: fc.oneof(
    fc.constantFrom("", "text", "5"),
    fc.constantFrom(0, 1, 5),
    fc.boolean(),
    fc.constantFrom([], [1], { b: 1, a: [null] }),
  ),
};

const field = fc.constantFrom(...Object.keys(values));
const document = fc.record(
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, fc.option(value, { freq: 6 })])),
  { requiredKeys: [] },
);

/** A value of any field now and then, to compare across types. */
function operand(name: string): fc.Arbitrary<StoredScalar> {
  const own = values[name] as fc.Arbitrary<StoredScalar>;
  const other =
    name === "savings" ? own : fc.oneof(...Object.values(values)).filter((value) => typeof value !== "object");
  return fc.oneof(
    { weight: 6, arbitrary: own.filter((value) => typeof value !== "object") },
    { weight: 1, arbitrary: other as fc.Arbitrary<StoredScalar> },
    { weight: 1, arbitrary: fc.constant(null) },
  );
}

const condition: fc.Arbitrary<Condition> = field.chain(
  (name) =>
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          field: fc.constant(name),
          op: fc.constantFrom("eq", "ne", "lt", "lte", "gt", "gte"),
          value: operand(name),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          field: fc.constant(name),
          op: fc.constant("in"),
          value: fc.array(operand(name), { maxLength: 4 }),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          field: fc.constant(name),
          op: fc.constant("contains"),
          value: fc.constantFrom("", "a", "é", "😀", "\0b", "5", "[1", '"b"'),
        }),
      },
    ) as fc.Arbitrary<Condition>,
);

const query: fc.Arbitrary<DocumentQuery> = fc.record(
  {
    where: fc.array(condition, { maxLength: 3 }),
    orderBy: fc.array(fc.record({ field, direction: fc.constantFrom("asc" as const, "desc" as const) }), {
      maxLength: 3,
    }),
    limit: fc.nat(12),
    offset: fc.nat(6),
  },
  { requiredKeys: [] },
);

type Fields = Readonly<Record<string, unknown>>;

/** The port's words, as plainly as they can be put: a rank by type, then the value in it. */
function standing(fields: Fields, name: string): { readonly rank: number; readonly key: number | bigint | Buffer } {
  const value = fields[name] ?? null;
  if (value === null) return { rank: 0, key: 0 };
  if (name === "savings") return { rank: 1, key: BigInt(String(value)) };
  if (typeof value === "number" || typeof value === "boolean") return { rank: 1, key: Number(value) };
  return { rank: 2, key: Buffer.from(typeof value === "string" ? value : JSON.stringify(value)) };
}

function compare(a: Fields, b: Fields, name: string): number {
  const [left, right] = [standing(a, name), standing(b, name)];
  if (left.rank !== right.rank) return left.rank - right.rank;
  if (Buffer.isBuffer(left.key) && Buffer.isBuffer(right.key)) return Buffer.compare(left.key, right.key);
  return left.key < right.key ? -1 : left.key > right.key ? 1 : 0;
}

function holds(fields: Fields, { field: name, op, value }: Condition): boolean {
  const isNull = standing(fields, name).rank === 0;
  if (op === "contains") {
    const { rank, key } = standing(fields, name);
    return rank === 2 && (key as Buffer).includes(value);
  }
  if (op === "in") return !isNull && value.some((one) => one !== null && compare(fields, { [name]: one }, name) === 0);
  const difference = compare(fields, { [name]: value }, name);
  if (op === "eq") return difference === 0;
  if (op === "ne") return difference !== 0;
  if (isNull || value === null) return false;
  return { lt: difference < 0, lte: difference <= 0, gt: difference > 0, gte: difference >= 0 }[op];
}

function answer(
  documents: ReadonlyMap<string, Fields>,
  { where = [], orderBy = [], limit, offset = 0 }: DocumentQuery,
): string[] {
  const found = [...documents].filter(([, fields]) => where.every((one) => holds(fields, one)));
  found.sort(([id, a], [otherId, b]) => {
    for (const { field: name, direction } of orderBy) {
      const difference = compare(a, b, name);
      if (difference !== 0) return direction === "asc" ? difference : -difference;
    }
    return Buffer.compare(Buffer.from(id), Buffer.from(otherId));
  });
  return found.slice(offset, limit === undefined ? undefined : offset + limit).map(([id]) => id);
}

const kinds = storeKinds.filter(({ name }) => name === "memory" || name === "sqlite, :memory:");
const id = fc.constantFrom("1", "2", "10", "a", "B", "é", "\uffee", "😀", "z");

describe.each(kinds)("queries of documents: $name", ({ harness }) => {
  it("find what a plain model finds, in its order", async () => {
    const own = harness();
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(id, document), { maxLength: 14 }),
          fc.array(query, { minLength: 1, maxLength: 8 }),
          async (rows, queries) => {
            const store = await own.create([people]);
            const documents = new Map<string, Fields>(rows);
            const writes = rows.map(([one, data]) => ({
              collection: "people",
              tenant: "",
              id: one,
              expectedVersion: "any" as const,
              data: JSON.stringify(data),
            }));
            await store.commit({ documents: writes });
            for (const one of queries) {
              const found = (await store.documents.find("people", "", one)).map((stored) => stored.id);
              expect(found, JSON.stringify(one)).toEqual(answer(documents, one));
              const count = await store.documents.count("people", "", one.where ?? []);
              expect(count).toBe(answer(documents, { where: one.where ?? [] }).length);
            }
            await store.close();
          },
        ),
        { numRuns: 250 },
      );
    } finally {
      await own.dispose();
    }
  }, 60_000);
});
