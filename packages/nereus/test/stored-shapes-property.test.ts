import fc from "fast-check";
import { decimal, isNereusError, type Store } from "nereus";
import { memory } from "nereus/memory";
import { expect, test } from "vitest";
import { z } from "zod";
import { Release } from "./support/priced-release.ts";

/** A schema as data, so that another one can be made that is nearly the same. */
type Kind =
  | { readonly kind: keyof typeof plain }
  | { readonly kind: "enum"; readonly names: readonly string[] }
  | { readonly kind: "array" | "set" | "nullable" | "record" | "partial" | "optional" | "default"; readonly of: Kind }
  | { readonly kind: "tuple" | "union"; readonly of: readonly Kind[] }
  | { readonly kind: "object"; readonly fields: Readonly<Record<string, Kind>>; readonly isOpen: boolean };

const plain = {
  number: { schema: z.number(), value: fc.oneof(fc.integer({ min: -9, max: 9 }), fc.constant(1.5)) },
  int: { schema: z.int(), value: fc.integer({ min: -9, max: 9 }) },
  text: { schema: z.string(), value: fc.constantFrom("", "a", "b", "5", "1970-01-01T00:00:00.000Z") },
  boolean: { schema: z.boolean(), value: fc.boolean() },
  date: { schema: z.date(), value: fc.constantFrom(new Date(0), new Date("2026-11-30T12:00:00Z")) },
  bigint: { schema: z.bigint(), value: fc.bigInt({ min: -9n, max: 9n }) },
  null: { schema: z.null(), value: fc.constant(null) },
  one: { schema: z.literal(1), value: fc.constant(1) },
  mixed: { schema: z.literal(["a", 1, true]), value: fc.constantFrom("a", 1, true) },
  hundredth: { schema: decimal({ scale: 2 }), value: fc.constantFrom("5.25", "0.10", "-1.00") },
  tenth: { schema: decimal({ scale: 1 }), value: fc.constantFrom("5.2", "-1.0") },
  template: { schema: z.templateLiteral([z.number(), "px"]), value: fc.constantFrom("1px", "20px") },
  unknown: { schema: z.unknown(), value: fc.jsonValue({ maxDepth: 1 }) },
};

/** In a list, a record or a union nothing may be absent: there it is stored as null. */
const { kind: anyKind, field: anyField } = fc.letrec<{ kind: Kind; field: Kind }>((tie) => ({
  kind: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(...(Object.keys(plain) as (keyof typeof plain)[])).map((kind): Kind => ({ kind })),
    fc.subarray(["a", "b", "c"], { minLength: 1 }).map((names): Kind => ({ kind: "enum", names })),
    fc.record({
      kind: fc.constantFrom("array", "set", "nullable", "record", "partial"),
      of: tie("kind"),
    }),
    fc.record({ kind: fc.constantFrom("tuple", "union"), of: fc.array(tie("kind"), { minLength: 1, maxLength: 3 }) }),
    fc.record({
      kind: fc.constant("object"),
      fields: fc.dictionary(fc.constantFrom("a", "b", "c"), tie("field"), { maxKeys: 3, noNullPrototype: true }),
      isOpen: fc.boolean(),
    }),
  ) as fc.Arbitrary<Kind>, // records of what each kind has
  field: fc.oneof(
    tie("kind"),
    fc.record({ kind: fc.constantFrom("optional", "default"), of: tie("kind") }),
  ) as fc.Arbitrary<Kind>, // likewise
}));

/** A schema that differs from another one in a few places. */
function nearly(kind: Kind, choose: fc.GeneratorValue, isField = false): Kind {
  const step = choose(fc.integer, { min: 0, max: 11 });
  if (step === 0) return choose(() => (isField ? anyField : anyKind));
  if (step === 1 && !isField) return { kind: "nullable", of: kind };
  if (step === 2 && !isField) return { kind: "union", of: [kind, choose(() => anyKind)] };
  if (step === 3 && isField) return { kind: "optional", of: kind };
  if (step === 4 && kind.kind === "int") return { kind: "number" };
  if (!("of" in kind) && kind.kind !== "object") return kind;
  if (kind.kind !== "object") {
    const { of } = kind;
    return (
      isList(of) ? { ...kind, of: of.map((one) => nearly(one, choose)) } : { ...kind, of: nearly(of as Kind, choose) }
    ) as Kind;
  }
  const fields = Object.entries(kind.fields).filter(() => choose(fc.integer, { min: 0, max: 5 }) > 0);
  const more = choose(fc.boolean) ? [["d", { kind: "optional", of: choose(() => anyKind) }] as const] : [];
  return {
    ...kind,
    fields: Object.fromEntries([...fields.map(([name, one]) => [name, nearly(one, choose, true)] as const), ...more]),
  };
}

function isList(of: unknown): of is readonly Kind[] {
  return Array.isArray(of);
}

function schemaOf(kind: Kind): z.ZodType {
  switch (kind.kind) {
    case "enum":
      return z.enum(kind.names);
    case "array":
      return z.array(schemaOf(kind.of));
    case "set":
      return z.set(schemaOf(kind.of));
    case "nullable":
      return schemaOf(kind.of).nullable();
    case "record":
      return z.record(z.string(), schemaOf(kind.of));
    case "partial":
      return z.partialRecord(z.enum(["a", "b"]), schemaOf(kind.of));
    case "optional":
      return schemaOf(kind.of).optional();
    case "default":
      return schemaOf(kind.of).prefault(fc.sample(valuesOf(kind.of), { numRuns: 1, seed: 1 })[0]);
    case "tuple":
      return z.tuple(kind.of.map(schemaOf) as [z.ZodType]);
    case "union":
      return z.union(kind.of.map(schemaOf));
    case "object": {
      const fields = Object.fromEntries(Object.entries(kind.fields).map(([name, one]) => [name, fieldOf(one)]));
      return kind.isOpen ? z.looseObject(fields) : z.object(fields);
    }
    default:
      return plain[kind.kind].schema as z.ZodType;
  }
}

/** What may be undefined may be absent, for Zod too. */
function fieldOf(kind: Kind): z.ZodType {
  const schema = schemaOf(kind);
  return kind.kind !== "default" && schema.safeParse(undefined).success ? schema.optional() : schema;
}

function valuesOf(kind: Kind): fc.Arbitrary<unknown> {
  switch (kind.kind) {
    case "enum":
      return fc.constantFrom(...kind.names);
    case "array":
      return fc.array(valuesOf(kind.of), { maxLength: 2 });
    case "set":
      return fc.array(valuesOf(kind.of), { maxLength: 2 }).map((items) => new Set(items));
    case "nullable":
      return fc.option(valuesOf(kind.of));
    case "record":
    case "partial":
      return fc.dictionary(fc.constantFrom("a", "b"), valuesOf(kind.of), { maxKeys: 2, noNullPrototype: true });
    case "optional":
    case "default":
      return fc.option(valuesOf(kind.of), { nil: undefined });
    case "tuple":
      return fc.tuple(...kind.of.map(valuesOf));
    case "union":
      return fc.oneof(...kind.of.map(valuesOf));
    case "object": {
      const more = kind.isOpen ? { d: fc.option(fc.jsonValue({ maxDepth: 0 }), { nil: undefined }) } : {};
      const fields = Object.entries(kind.fields).map(([name, one]) => [name, valuesOf(one)] as const);
      return fc.record({ ...more, ...Object.fromEntries(fields) });
    }
    default:
      return plain[kind.kind].value;
  }
}

/** Whether a value is one of a schema, as handlers hold it. */
function isOf(schema: z.ZodType, value: unknown): boolean {
  return value === undefined ? schema.safeParse(undefined).success : z.safeEncode(schema, value as never).success;
}

/** The same events, as a release that keeps no shapes has stored them. */
async function withoutShapes(from: Store): Promise<Store> {
  const store = memory();
  await store.open([]);
  await from.open([]);
  const { messages } = await from.log.readLog({ after: 0, limit: 100 });
  for (const { stream, position: _, version: __, ...message } of messages) {
    await store.commit({ appends: [{ stream, expectedVersion: "any", messages: [message] }] });
  }
  return store;
}

test("whatever is stored in a shape that fits is read as the class says", async () => {
  let fitting = 0;
  let refused = 0;
  const runs = Number(process.env["NEREUS_RUNS"] ?? 300);
  await fc.assert(
    fc.asyncProperty(anyField, fc.gen(), async (before, choose) => {
      const after = nearly(before, choose, true);
      const store = memory();
      const first = await new Release({ n: schemaOf(before) }).start(store);
      let stored = 0;
      for (const value of choose(() => fc.array(valuesOf(before), { minLength: 3, maxLength: 3 }))) {
        const isStored = await first.price(String(stored), { n: value }).then(
          () => true,
          () => false, // a value that cannot be stored
        );
        if (isStored) stored += 1;
      }
      await first.stop();
      await new Release({ n: schemaOf(before) }).start(await withoutShapes(store)); // which its own values fit
      const schema = schemaOf(after);
      const second = new Release({ n: schema });
      try {
        await second.start(store);
        for (let at = 0; at < stored; at++) {
          const { n } = await second.replayed(String(at));
          if (!isOf(schema, n))
            expect.fail(
              `${String(at)}: ${JSON.stringify(n)} is no value of ${JSON.stringify(after)}, after ${JSON.stringify(before)}`,
            );
        }
        if (stored > 0) fitting += 1;
      } catch (error) {
        if (!isNereusError(error, "STORED_SHAPE_CHANGED") || !error.message.startsWith("Stored events")) throw error;
        refused += 1;
      } finally {
        await second.stop();
      }
    }),
    { numRuns: runs, endOnFailure: true },
  );
  expect(fitting).toBeGreaterThan(runs / 10);
  expect(refused).toBeGreaterThan(runs / 10);
});
