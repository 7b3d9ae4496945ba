import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { people } from "../../src/conformance/samples.ts";
import type {
  Condition,
  DocumentQuery,
  FieldType,
  Filter,
  Folding,
  Inner,
  StoredScalar,
} from "../../src/ports/store.ts";
import { storeKinds } from "./store-kinds.ts";

/** Few values of each type, so that conditions hit; with the ones that databases treat in their own way among them. */
const values: Readonly<Record<FieldType, fc.Arbitrary<unknown>>> = {
  text: fc.constantFrom(
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
    " 5",
    "-1",
    "1e1",
    "0x10",
    "%",
    "_",
    "a\0b",
    "true",
    '{"b":1}',
  ),
  integer: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(2 ** 53 - 1, -(2 ** 53), 1e15)),
  real: fc.oneof(
    fc.constantFrom(0.1, 0.2, 0.30000000000000004, 1, -1.5, 1e-320, 1e300, 5e-324),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  ),
  boolean: fc.boolean(),
  bigint: fc
    .oneof(
      fc.integer({ min: -12, max: 12 }),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt({ min: -2n, max: 2n }).map((near) => near - 2n ** 63n),
      fc.bigInt({ min: -(10n ** 400n), max: 10n ** 400n }),
    )
    .map(String),
  decimal: fc.oneof(
    fc.constantFrom(
      "0",
      "-0.00",
      "1.5",
      "1.50",
      "-1.5",
      "-1.05",
      "007",
      "9.99",
      "100",
      "0.001",
      "1e3",
      "+1",
      ".5",
      "5.",
      "--1",
      "1.5.0",
      "1\0",
    ),
    fc
      .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.nat(1e6))
      .map(([whole, part]) => `${whole}.${part}`),
    fc.bigInt({ min: -(10n ** 400n), max: 10n ** 400n }).map(String),
  ),
  date: fc.oneof(
    fc.constantFrom(
      "+275760-09-13T00:00:00.000Z",
      "-000043-03-15T00:00:00.000Z",
      "0000-01-01",
      "9999-12-31",
      "+12",
      "-1",
      "",
    ),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  ),
  json: fc.oneof(
    fc.constantFrom("", "text", "5"),
    fc.constantFrom(0, 1, 5),
    fc.boolean(),
    fc.constantFrom([], [1], { b: 1, a: [null] }),
  ),
};

const types = Object.keys(values) as FieldType[];
const typeOf = new Map(people.fields.map(({ name, type }) => [name, type]));
const anyValue = fc.oneof(...Object.values(values));

/** Keys that break what is put together from text, and some that look like places in an array. */
const keys = [
  "a",
  "b",
  "0",
  "",
  "a.b",
  'q"q',
  "q'q",
  "q\\q",
  "$",
  "[0]",
  "#-1",
  "__proto__",
  "toString",
  "length",
  "😀",
];
const path = fc.array(fc.constantFrom(...keys), { minLength: 1, maxLength: 3 });

/** Objects in objects, with every kind of value at their ends. JSON.parse makes an own property of `__proto__`. */
const nested = fc.letrec<{ object: unknown; value: unknown }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, { weight: 3, arbitrary: anyValue }, { weight: 2, arbitrary: tie("object") }),
  object: fc
    .array(fc.tuple(fc.constantFrom(...keys), tie("value")), { maxLength: 6 })
    .map((entries) =>
      JSON.parse(`{${[...new Map(entries)].map(([key, value]) => `${text(key)}:${text(value)}`).join()}}`),
    ),
})).object;

function text(value: unknown): string {
  return JSON.stringify(value);
}

/** Mostly what the field is declared for; now and then what another one is, since nothing holds a document to its shape. */
function fieldValue(type: FieldType): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 10, arbitrary: values[type] },
    { weight: type === "json" ? 10 : 1, arbitrary: nested },
    { weight: 2, arbitrary: anyValue },
    { weight: 2, arbitrary: fc.constant(null) },
  );
}

const document = fc.record(Object.fromEntries([...typeOf].map(([name, type]) => [name, fieldValue(type)])), {
  requiredKeys: [],
});

const place = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...typeOf.keys()).map((field): Place => ({ field })) },
  {
    weight: 3,
    arbitrary: fc
      .record({ path: fc.oneof(path, fc.constant([])), type: fc.constantFrom(...types) })
      .map((within): Place => ({ field: "extra", within })),
  },
);

interface Place {
  readonly field: string;
  readonly within?: Inner;
}

function typeAt({ field, within }: Place): FieldType {
  return within?.type ?? typeOf.get(field) ?? "json";
}

/** A value of any field now and then, to compare across types. */
function operand(type: FieldType): fc.Arbitrary<StoredScalar> {
  const scalar = (one: fc.Arbitrary<unknown>) =>
    one.filter((value) => typeof value !== "object") as fc.Arbitrary<StoredScalar>;
  return fc.oneof(
    { weight: 6, arbitrary: scalar(values[type]) },
    { weight: 1, arbitrary: scalar(anyValue) },
    { weight: 1, arbitrary: fc.constant(null) },
  );
}

const condition: fc.Arbitrary<Condition> = place.chain((at) => {
  const type = typeAt(at);
  const compared = fc.record({ op: fc.constantFrom("eq", "ne", "lt", "lte", "gt", "gte"), value: operand(type) });
  const listed = fc.record({ op: fc.constant("in"), value: fc.array(operand(type), { maxLength: 4 }) });
  const contained = fc.record({
    op: fc.constantFrom("contains", "startsWith"),
    value: fc.constantFrom("", "a", "é", "😀", "\0b", "5", "[1", '"b"'),
  });
  const folded = fc.record({
    op: fc.constantFrom("contains", "startsWith", "eq", "ne"),
    value: fc.constantFrom("a", "ab", "é", "e\u0301"),
    fold: fc.constant({ from: "ABÉE😀", to: "abéea" }),
  });
  const had = fc.record({ op: fc.constant("has"), value: operand("json").filter((one) => one !== null) });
  const rest = fc.oneof(
    { weight: 6, arbitrary: compared },
    { weight: 2, arbitrary: listed },
    { weight: 1, arbitrary: contained },
    { weight: 1, arbitrary: had },
    ...(type === "text" ? [{ weight: 3, arbitrary: folded }] : []),
  );
  return rest.map((one) => ({ ...at, ...one }) as Condition);
});

const filter: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4 },
    { weight: 4, arbitrary: condition },
    {
      weight: 2,
      arbitrary: fc.record({
        op: fc.constantFrom("and" as const, "or" as const),
        of: fc.array(tie("filter"), { maxLength: 4 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ op: fc.constant("not" as const), of: tie("filter") }) },
  ),
})).filter;

const query: fc.Arbitrary<DocumentQuery> = fc.record(
  {
    where: fc.array(filter, { maxLength: 3 }),
    orderBy: fc.array(
      fc
        .tuple(place, fc.constantFrom("asc" as const, "desc" as const))
        .map(([at, direction]) => ({ ...at, direction })),
      { maxLength: 3 },
    ),
    limit: fc.nat(12),
    offset: fc.nat(6),
  },
  { requiredKeys: [] },
);

type Fields = Readonly<Record<string, unknown>>;
type Standing = { readonly rank: number; readonly key: number | bigint | Buffer };

function valueAt(fields: Fields, { field, within }: Place): unknown {
  let value: unknown = fields;
  for (const key of [field, ...(within?.path ?? [])]) {
    const inside = typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, key);
    value = inside ? (value as Fields)[key] : null;
  }
  return value;
}

/** The port's words, as plainly as they can be put: a rank by type, then the value in it. */
function standing(value: unknown, type: FieldType): Standing {
  if (value === null) return { rank: 0, key: 0 };
  if (type === "text") return { rank: 2, key: Buffer.from(typeof value === "string" ? value : text(value)) };
  if (type === "bigint" || type === "decimal" || type === "date") {
    return standingOf(typeof value === "string" ? value : text(value), type);
  }
  if (typeof value === "number" || typeof value === "boolean") return { rank: 1, key: Number(value) };
  return { rank: 2, key: Buffer.from(typeof value === "string" ? value : text(value)) };
}

/** Numbers by a common count of decimal places, years by themselves before the rest. */
function standingOf(value: string, type: FieldType): Standing {
  if (type === "date") {
    const year = /^([+-])(\d{6})-/.exec(value);
    if (year === null) return { rank: 2, key: Buffer.from(value) };
    const turned = year[1] === "-" ? String(999_999 - Number(year[2])).padStart(6, "0") : year[2];
    return { rank: 2, key: Buffer.from(`${year[1] === "-" ? "-" : ":"}${turned}${value.slice(7)}`) };
  }
  const [, sign = "", whole = "", fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(value) ?? [];
  if (whole === "") return { rank: 2, key: Buffer.from(value) };
  return { rank: 1, key: BigInt(`${whole}${fraction.padEnd(40, "0")}`) * (sign === "-" ? -1n : 1n) };
}

function compare(left: Standing, right: Standing): number {
  if (left.rank !== right.rank) return left.rank - right.rank;
  if (Buffer.isBuffer(left.key) && Buffer.isBuffer(right.key)) return Buffer.compare(left.key, right.key);
  return left.key < right.key ? -1 : left.key > right.key ? 1 : 0;
}

function holds(fields: Fields, one: Filter): boolean {
  if ("field" in one) return conditionHolds(valueAt(fields, one), one);
  if (one.op === "not") return !holds(fields, one.of);
  return one.op === "and" ? one.of.every((part) => holds(fields, part)) : one.of.some((part) => holds(fields, part));
}

function foldedBy(fold: Folding | undefined, value: string): string {
  const [from, to] = [[...(fold?.from ?? "")], [...(fold?.to ?? "")]];
  return [...value].map((one) => to[from.indexOf(one)] ?? one).join("");
}

function conditionHolds(raw: unknown, one: Condition): boolean {
  const type = typeAt(one);
  const stored = standing(raw, type);
  if (one.op === "has") return Array.isArray(raw) && raw.includes(one.value);
  if (one.op === "contains" || one.op === "startsWith") {
    if (stored.rank !== 2) return false;
    const at = Buffer.from(foldedBy(one.fold, typeof raw === "string" ? raw : text(raw))).indexOf(one.value);
    return one.op === "contains" ? at >= 0 : at === 0;
  }
  const own =
    "fold" in one && stored.rank === 2 ? { rank: 2, key: Buffer.from(foldedBy(one.fold, String(stored.key))) } : stored;
  if (one.op === "in") {
    const hits = (value: StoredScalar) => value !== null && compare(own, standing(value, type)) === 0;
    return stored.rank !== 0 && one.value.some(hits);
  }
  const difference = compare(own, standing(one.value, type));
  if (one.op === "eq") return difference === 0;
  if (one.op === "ne") return difference !== 0;
  if (stored.rank === 0 || one.value === null) return false;
  return { lt: difference < 0, lte: difference <= 0, gt: difference > 0, gte: difference >= 0 }[one.op];
}

function answer(
  documents: ReadonlyMap<string, Fields>,
  { where = [], orderBy = [], limit, offset = 0 }: DocumentQuery,
): string[] {
  const found = [...documents].filter(([, fields]) => where.every((one) => holds(fields, one)));
  found.sort(([id, a], [otherId, b]) => {
    for (const term of orderBy) {
      const [left, right] = [a, b].map((fields) => standing(valueAt(fields, term), typeAt(term))) as [
        Standing,
        Standing,
      ];
      const difference = compare(left, right);
      if (difference !== 0) return term.direction === "asc" ? difference : -difference;
    }
    return Buffer.compare(Buffer.from(id), Buffer.from(otherId));
  });
  return found.slice(offset, limit === undefined ? undefined : offset + limit).map(([id]) => id);
}

const kinds = storeKinds().filter(
  ({ name, missing }) => ["memory", "sqlite, :memory:", "postgres"].includes(name) && missing === undefined,
);
const id = fc.constantFrom("1", "2", "10", "a", "B", "é", "\uffee", "😀", "z");

describe.each(kinds)("queries of documents: $name", ({ name, harness }) => {
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
              data: text(data),
            }));
            await store.commit({ documents: writes });
            for (const one of queries) {
              const found = (await store.documents.find("people", "", one)).map((stored) => stored.id);
              expect(found, text(one)).toEqual(answer(documents, one));
              const count = await store.documents.count("people", "", one.where ?? []);
              expect(count).toBe(answer(documents, { where: one.where ?? [] }).length);
            }
            await store.close();
          },
        ),
        // each run makes a store, for which a server needs a tenth of a second
        { numRuns: Number(process.env["NEREUS_RUNS"] ?? (name === "postgres" ? 60 : 300)) },
      );
    } finally {
      await own.dispose();
    }
  }, 120_000);
});
