import fc from "fast-check";
import {
  Aggregate,
  type Domain,
  Entity,
  type EntityCollection,
  Event,
  EventSourcedAggregate,
  hasMany,
  hasOne,
  identifier,
  isNereusError,
  status,
  ValueObject,
} from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { places } from "./support/places.ts";
import { script } from "./support/scripts.ts";

// One order, event-sourced and state-stored, with entities three levels deep, value objects and lists of lists; beside it
// the same as plain data. Steps are single ones and blocks of them; rules of every kind refuse some.
class Money extends ValueObject("Money", { cents: z.bigint(), notes: z.array(z.string()).default([]) }).invariant(
  "debt",
  "Not below -1000",
  ({ cents }) => cents >= -1000n,
) {}
class Mark extends Entity("Mark", { markId: identifier(), words: z.array(z.string()).default([]) }).invariant(
  "words",
  "At most 3 words",
  ({ words }) => words.length <= 3,
) {}
class Remark extends Entity("Remark", { remarkId: identifier(), text: z.string(), marks: hasMany(Mark) }) {}
class Line extends Entity(
  "Line",
  {
    sku: z.string(),
    quantity: z.number().int(),
    price: Money.schema().optional(),
    notes: z.array(z.object({ text: z.string(), at: z.date() })).default([]),
    remarks: hasMany(Remark),
  },
  { identifiedBy: "sku" },
)
  .invariant("quantity", "A quantity is positive", ({ quantity }) => quantity > 0)
  .precondition("full", "A line with 3 notes stays", ({ notes }) => notes.length < 3) {}
class Address extends Entity("Address", { addressId: identifier(), lines: z.array(z.string()) }) {}

const revision = z.object({ by: z.string(), labels: z.array(z.string()) });
const shape = {
  id: identifier(),
  state: status({ OPEN: ["HELD"], HELD: ["OPEN", "DONE"], DONE: [] }, "OPEN"),
  labels: z.array(z.string()).default([]),
  last: z.array(z.string()).default([]),
  revisions: z.array(revision).default([]),
  total: Money.schema().default(() => new Money({ cents: 0n })),
  fees: z.record(z.string(), Money.schema()).default({}),
  words: z.set(z.string()).default(() => new Set<string>()),
  lines: hasMany(Line),
  address: hasOne(Address),
};
type Draft = Omit<InstanceType<typeof Stored>, "lines"> & { readonly lines: EntityCollection<Line, never> };

const name = z.string();
const stepSchema = z.discriminatedUnion("do", [
  z.object({ do: z.literal("label"), name }),
  z.object({ do: z.literal("unlabel"), at: z.number() }),
  z.object({ do: z.literal("keep"), by: name }),
  z.object({ do: z.literal("give"), revision }),
  z.object({ do: z.literal("edit"), at: z.number(), name }),
  z.object({ do: z.literal("standard") }),
  z.object({ do: z.literal("template"), first: z.boolean() }),
  z.object({ do: z.literal("pay"), cents: z.bigint() }),
  z.object({ do: z.literal("fee"), name, cents: z.bigint() }),
  z.object({ do: z.literal("move"), to: z.enum(["OPEN", "HELD", "DONE"]) }),
  z.object({ do: z.literal("line"), sku: name, quantity: z.number() }),
  z.object({ do: z.literal("quantity"), sku: name, quantity: z.number() }),
  z.object({ do: z.literal("drop"), sku: name }),
  z.object({ do: z.literal("note"), sku: name, text: name, at: z.date() }),
  z.object({ do: z.literal("remark"), sku: name, remarkId: name, text: name }),
  z.object({ do: z.literal("mark"), sku: name, remarkId: name, markId: name, word: name }),
  z.object({ do: z.literal("unremark"), sku: name, remarkId: name }),
  z.object({ do: z.literal("address"), lines: z.array(name).optional() }),
]);
type Step = z.infer<typeof stepSchema>;

/** A constant of the model, which no aggregate may change. */
const standard = { by: "standard", labels: ["s"] };

/** A step on the aggregate: the body of an apply handler, or of a block. */
function perform(order: Draft, step: Step): void {
  if ("sku" in step) performOnLine(order, step);
  else if (step.do === "label") {
    order.labels.push(step.name);
    order.words.add(step.name);
  } else if (step.do === "unlabel") order.labels.splice(step.at, 1);
  else if (step.do === "keep") {
    order.last = order.labels;
    order.revisions.push({ by: step.by, labels: order.labels });
  } else if (step.do === "give") order.revisions.push(step.revision);
  else if (step.do === "edit") order.revisions[step.at]?.labels.push(step.name);
  else if (step.do === "standard") order.last = standard.labels;
  else if (step.do === "template") order.revisions[step.first ? "unshift" : "push"](standard);
  else if (step.do === "pay") {
    order.total = order.total.with({ cents: order.total.cents + step.cents, notes: [`${step.cents}`] });
  } else if (step.do === "fee") order.fees[step.name] = new Money({ cents: step.cents });
  else if (step.do === "move") order.state = step.to;
  else if (step.lines === undefined) order.address = undefined;
  else if (order.address === undefined) order.address = new Address({ addressId: "a", lines: step.lines });
  else order.address.lines.push(...step.lines);
}

function performOnLine({ lines }: Draft, step: Extract<Step, { sku: string }>): void {
  if (step.do === "line") lines.add(new Line({ sku: step.sku, quantity: step.quantity }));
  else if (step.do === "drop") lines.remove(step.sku);
  else if (step.do === "quantity") lines.get(step.sku).quantity = step.quantity;
  else if (step.do === "note") lines.get(step.sku).notes.push({ text: step.text, at: step.at });
  else if (step.do === "remark") lines.get(step.sku).remarks.add({ remarkId: step.remarkId, text: step.text });
  else if (step.do === "unremark") lines.get(step.sku).remarks.remove(step.remarkId);
  else {
    const { marks } = lines.get(step.sku).remarks.get(step.remarkId);
    const known = marks.find(step.markId);
    if (known === undefined) marks.add({ markId: step.markId, words: [step.word] });
    else known.words.push(step.word);
  }
}

class Stepped extends Event("Stepped", { id: identifier(), step: stepSchema }) {}
class Begun extends Event("Begun", { id: identifier() }) {}
const few = (order: { labels: readonly string[]; revisions: readonly unknown[] }): boolean =>
  order.labels.length <= 6 && order.revisions.length <= 6;
class Sourced extends EventSourcedAggregate("Sourced", shape)
  .applies(Begun, (order, { id }) => {
    order.id = id;
  })
  .applies(Stepped, (order, { step }) => perform(order as never, step))
  .invariant("few", "At most 6", few)
  .precondition("done", "What is done stays", ({ state }) => state !== "DONE") {}
class Stored extends Aggregate("Stored", shape)
  .invariant("few", "At most 6", few)
  .precondition("done", "What is done stays", ({ state }) => state !== "DONE") {}

interface PlainMoney {
  cents: string;
  notes: string[];
}
interface PlainLine {
  sku: string;
  quantity: number;
  price?: PlainMoney;
  notes: { text: string; at: string }[];
  remarks: { remarkId: string; text: string; marks: { markId: string; words: string[] }[] }[];
}
interface Plain {
  id: string;
  state: "OPEN" | "HELD" | "DONE";
  labels: string[];
  last: string[];
  revisions: { by: string; labels: string[] }[];
  total: PlainMoney;
  fees: Record<string, PlainMoney>;
  words: string[];
  lines: PlainLine[];
  address?: { addressId: string; lines: string[] };
}
const blank = (id: string): Plain => ({
  id,
  state: "OPEN",
  labels: [],
  last: [],
  revisions: [],
  total: { cents: "0", notes: [] },
  fees: {},
  words: [],
  lines: [],
});

/** What counts for a block as a whole. */
interface Block {
  readonly sourced: boolean;
  /** The lines that may not be touched, as they were when it began. */
  readonly full: Set<string>;
  /** Whether something was done that the end of the block refuses. */
  forbidden: boolean;
}

/** What the step makes of the plain data; undefined where it is refused at once. */
function plainly(before: Plain, step: Step, block: Block): Plain | undefined {
  const it = structuredClone(before);
  if ("sku" in step) return plainlyOnLine(it, step, block) ? it : undefined;
  if (step.do === "label") {
    it.labels.push(step.name);
    if (!it.words.includes(step.name)) it.words.push(step.name);
  } else if (step.do === "unlabel") it.labels.splice(step.at, 1);
  else if (step.do === "keep") {
    it.last = [...it.labels];
    it.revisions.push({ by: step.by, labels: [...it.labels] });
  } else if (step.do === "give") it.revisions.push(structuredClone(step.revision));
  else if (step.do === "edit") it.revisions[step.at]?.labels.push(step.name);
  else if (step.do === "standard") it.last = ["s"];
  else if (step.do === "template") it.revisions[step.first ? "unshift" : "push"](structuredClone(standard));
  else if (step.do === "pay") {
    const cents = BigInt(it.total.cents) + step.cents;
    if (cents < -1000n) return undefined;
    it.total = { cents: `${cents}`, notes: [`${step.cents}`] };
  } else if (step.do === "fee") {
    if (step.cents < -1000n) return undefined;
    it.fees[step.name] = { cents: `${step.cents}`, notes: [] };
  } else if (step.do === "move") {
    const next = { OPEN: ["HELD"], HELD: ["OPEN", "DONE"], DONE: [] }[it.state] as string[];
    if (!next.includes(step.to) && (block.sourced || step.to !== it.state)) block.forbidden = true;
    it.state = step.to;
  } else if (step.lines === undefined) delete it.address;
  else if (it.address === undefined) it.address = { addressId: "a", lines: [...step.lines] };
  else it.address.lines.push(...step.lines);
  return it;
}

function plainlyOnLine(it: Plain, step: Extract<Step, { sku: string }>, block: Block): boolean {
  const line = it.lines.find(({ sku }) => sku === step.sku);
  if (step.do === "line") {
    if (line !== undefined || step.quantity <= 0) return false;
    it.lines.push({ sku: step.sku, quantity: step.quantity, notes: [], remarks: [] });
    block.full.delete(step.sku);
    return true;
  }
  if (line === undefined) return false;
  if (step.do === "drop") {
    it.lines.splice(it.lines.indexOf(line), 1);
    return true;
  }
  const remark = "remarkId" in step ? line.remarks.find(({ remarkId }) => remarkId === step.remarkId) : undefined;
  if (step.do === "mark") {
    if (remark === undefined) return false;
    const known = remark.marks.find(({ markId }) => markId === step.markId);
    if (known === undefined) remark.marks.push({ markId: step.markId, words: [step.word] });
    else known.words.push(step.word);
    return true;
  }
  // its precondition; what it holds further down has none
  if (block.full.has(step.sku)) {
    if (block.sourced || step.do !== "note") return false;
    block.forbidden = true; // a list changed in place is looked at when the block ends
  }
  if (step.do === "quantity") line.quantity = step.quantity;
  else if (step.do === "note") line.notes.push({ text: step.text, at: step.at.toISOString() });
  else if (step.do === "unremark") {
    if (remark === undefined) return false;
    line.remarks.splice(line.remarks.indexOf(remark), 1);
  } else {
    if (remark !== undefined) return false;
    line.remarks.push({ remarkId: step.remarkId, text: step.text, marks: [] });
  }
  return true;
}

const holds = (it: Plain): boolean =>
  few(it) &&
  it.lines.every(
    ({ quantity, remarks }) =>
      quantity > 0 && remarks.every(({ marks }) => marks.every(({ words }) => words.length <= 3)),
  );

/** One command: a single step, or a block that goes on (`careless`) or not when a step in it is refused. */
interface Work {
  readonly steps: readonly Step[];
  readonly careless: boolean;
}

interface Kind {
  readonly name: string;
  begin(id: string): Draft;
  step(order: Draft, step: Step): void;
  readonly sourced: boolean;
}
const kinds: readonly Kind[] = [
  {
    name: "event-sourced",
    begin: (id) => Sourced.create((it) => it.raise(new Begun({ id }))) as unknown as Draft,
    step: (order, step) => (order as unknown as Sourced).raise(new Stepped({ id: order.id, step })),
    sourced: true,
  },
  {
    name: "state-stored",
    begin: (id) => new Stored({ id }) as unknown as Draft,
    step: (order, step) => order.change(() => perform(order, step)),
    sourced: false,
  },
];

const refusals = [
  "INVARIANT_FAILED",
  "PRECONDITION_FAILED",
  "STATUS_TRANSITION_FORBIDDEN",
  "ENTITY_DUPLICATE",
  "ENTITY_NOT_FOUND",
] as const;
function isRefused(run: () => void): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (refusals.some((code) => isNereusError(error, code))) return true;
    throw error;
  }
}

/** Does the work on the aggregate; whether it was refused. */
function carryOut(kind: Kind, order: Draft, { steps, careless }: Work): boolean {
  const [only] = steps;
  if (steps.length === 1 && only !== undefined) return isRefused(() => kind.step(order, only));
  return isRefused(() =>
    order.change(() => {
      for (const step of steps) {
        if (careless) isRefused(() => kind.step(order, step));
        else kind.step(order, step);
      }
    }),
  );
}

/**
 * The same on plain data; undefined if it is refused. Rules and transitions hold at the end of a block, preconditions at
 * its begin; what a step by itself cannot do may be caught within it.
 */
function carryOutPlainly(kind: Kind, before: Plain, { steps, careless }: Work): Plain | undefined {
  if (before.state === "DONE") return undefined;
  const full = new Set(before.lines.filter(({ notes }) => notes.length >= 3).map(({ sku }) => sku));
  const block: Block = { sourced: kind.sourced, full, forbidden: false };
  let plain = before;
  for (const step of steps) {
    const next = plainly(plain, step, block);
    if (next !== undefined) plain = next;
    else if (!careless || steps.length === 1) return undefined;
  }
  return holds(plain) && !block.forbidden ? plain : undefined;
}

const word = fc.constantFrom("a", "b", "c", "__proto__", "");
const sku = fc.constantFrom("x", "y", "z");
const remarkId = fc.constantFrom("r1", "r2");
const at = fc.nat(3);
const labels = fc.array(word, { maxLength: 2 });
const cents = fc.bigInt({ min: -900n, max: 2n ** 70n });
const arbitraries = {
  label: { name: word },
  unlabel: { at },
  keep: { by: word },
  give: { revision: fc.record({ by: word, labels }) },
  edit: { at, name: word },
  standard: {},
  template: { first: fc.boolean() },
  pay: { cents },
  fee: { name: fc.constantFrom("a", "b", "constructor"), cents: fc.bigInt({ min: -1100n, max: 5n }) },
  move: { to: fc.constantFrom("OPEN", "HELD", "DONE") },
  line: { sku, quantity: fc.integer({ min: 0, max: 5 }) },
  quantity: { sku, quantity: fc.integer({ min: 0, max: 5 }) },
  drop: { sku },
  note: { sku, text: word, at: fc.date({ noInvalidDate: true }) },
  remark: { sku, remarkId, text: word },
  mark: { sku, remarkId, markId: fc.constantFrom("m", "n"), word },
  unremark: { sku, remarkId },
  address: { lines: fc.option(labels, { nil: undefined }) },
};
const step = fc.oneof(
  ...Object.entries(arbitraries).map(([kind, fields]) => ({
    arbitrary: fc.record({ do: fc.constant(kind), ...fields }) as unknown as fc.Arbitrary<Step>,
    weight: kind === "move" ? 1 : 3,
  })),
);
const work: fc.Arbitrary<Work> = fc.oneof(
  { arbitrary: fc.record({ steps: fc.tuple(step), careless: fc.constant(false) }), weight: 3 },
  { arbitrary: fc.record({ steps: fc.array(step, { maxLength: 5 }), careless: fc.boolean() }), weight: 2 },
);
const works = (maxLength: number) => fc.array(work, { minLength: 1, maxLength, size: "max" });

const jsonOf = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const seen = (order: Draft) => ({ json: jsonOf(order), version: order.version, pending: order.pendingEvents });

describe.each(kinds)("$name", (kind) => {
  test("any steps and blocks, refused ones included, leave the aggregate equal to plain data", () => {
    const outcomes = { done: 0, refused: 0 };
    fc.assert(
      fc.property(works(60), (all) => {
        const order = kind.begin("1");
        let plain = blank("1");
        for (const one of all) {
          const next = carryOutPlainly(kind, plain, one);
          const before = seen(order);
          const refused = carryOut(kind, order, one);
          outcomes[refused ? "refused" : "done"] += 1;
          expect(refused).toBe(next === undefined);
          if (refused) expect(seen(order)).toEqual(before);
          plain = next ?? plain;
          expect(jsonOf(order)).toEqual(plain);
        }
        expect(standard).toEqual({ by: "standard", labels: ["s"] });
      }),
      { numRuns: 300 },
    );
    expect(Math.min(outcomes.done, outcomes.refused)).toBeGreaterThan(1000);
  });

  describe.each(places())("on $name", (place) => {
    test("and so do they through the domain, over a warm cache, without one, and at every past version", async () => {
      const aggregate = kind.sourced ? Sourced : (Stored as unknown as typeof Sourced);
      let id = "";
      let current: Work = { steps: [], careless: false };
      const act = script(aggregate, async ({ repository }) => {
        const order = ((await repository(aggregate).find(id)) as Draft | undefined) ?? kind.begin(id);
        const refused = carryOut(kind, order, current);
        await repository(aggregate).add(order as never);
        return { refused, json: jsonOf(order), version: order.version };
      });
      const look = script(aggregate, async ({ repository }) => {
        const order = (await repository(aggregate).get(id)) as unknown as Draft;
        expect(() => order.labels.push("smuggled")).toThrow(TypeError);
        return { json: jsonOf(order), version: order.version };
      });
      const past = script(aggregate, async ({ repository }) => {
        const { version } = await repository(aggregate).get(id);
        const states: unknown[] = [];
        for (let at = 0; at <= version; at++)
          states.push(jsonOf(await repository(aggregate).get(id, { atVersion: at })));
        return states;
      });
      const elements = [aggregate, act.handlers, look.handlers, past.handlers];
      const kept = place.open();
      const warm = await kept.start(elements);
      const cold = await kept.start(elements, { cachedAggregates: 0 });
      const actors: readonly Domain[] = [warm, cold];
      let runs = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(work, fc.nat(1)), { minLength: 1, maxLength: 25, size: "max" }),
          async (all) => {
            id = `order-${++runs}`;
            let plain = blank(id);
            const states = new Map<number, unknown>();
            for (const [one, actor] of all) {
              current = one;
              const next = carryOutPlainly(kind, plain, one);
              plain = next ?? plain;
              const { refused, json, version } = (await actors[actor]!.process(act.command())) as {
                refused: boolean;
                json: unknown;
                version: number;
              };
              expect([refused, json]).toEqual([next === undefined, plain]);
              states.set(version, plain);
              for (const domain of actors)
                expect((await domain.process(look.command())) as object).toMatchObject({ json });
            }
            if (!kind.sourced) return;
            const found = (await cold.process(past.command())) as unknown[];
            for (const [version, state] of states) expect(found[version]).toEqual(state);
          },
        ),
        { numRuns: place.name === "memory" ? 60 : 25 },
      );
      expect(standard).toEqual({ by: "standard", labels: ["s"] });
    });
  });
});
