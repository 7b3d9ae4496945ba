import fc from "fast-check";
import { Event } from "nereus";
import { expect, test } from "vitest";
import { z } from "zod";

const schemas: readonly (readonly [string, z.ZodType])[] = [
  ["string", z.string()],
  ["string max", z.string().max(3)],
  ["string min max", z.string().min(1).max(3)],
  ["string length", z.string().length(2)],
  ["trimmed", z.string().trim().max(3)],
  ["email", z.email()],
  ["coerced string", z.coerce.string().max(3)],
  ["coerced number", z.coerce.number().int()],
  ["number", z.number()],
  ["int", z.number().int()],
  ["z.int", z.int()],
  ["int32", z.int32()],
  ["positive", z.number().positive()],
  ["min 0", z.number().min(0)],
  ["negative", z.number().negative()],
  ["between", z.number().gte(-1).lt(2)],
  ["int between", z.number().int().min(0).max(3)],
  ["multiple", z.number().multipleOf(2)],
  ["boolean", z.boolean()],
  ["optional", z.string().max(3).optional()],
  ["nullable", z.number().int().nullable()],
  ["default", z.number().int().default(7)],
  ["catch", z.number().int().catch(7)],
  ["refined", z.string().refine((text) => text !== "no")],
];
const odd = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -0,
  0,
  2 ** 53,
  1.5,
  -1,
  2,
  "",
  "no",
  " a ",
  "abcd",
  "a@b.cz",
  null,
  undefined,
  true,
  [],
  {},
];
const values = fc.oneof(fc.constantFrom(...odd), fc.string({ maxLength: 4 }), fc.integer(), fc.double(), fc.boolean());

test.each(schemas)("a field of %s takes exactly what its schema takes, and as the schema gives it", (_, schema) => {
  const Some = class extends Event("Some", { field: schema, n: z.number() }) {};
  const whole = z.strictObject({ field: schema, n: z.number() });
  fc.assert(
    fc.property(values, fc.constantFrom({}, { extra: 1 }), (field, more) => {
      const input = { field, n: 1, ...more };
      const expected = whole.safeParse(input);
      let made: object | undefined;
      try {
        made = { ...new Some(input as never) };
      } catch {
        made = undefined;
      }
      expect(made !== undefined).toBe(expected.success);
      if (expected.success) expect(made).toEqual(expected.data);
    }),
    { numRuns: 300 },
  );
});
