import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inOrderPerKey } from "../src/ledger/in-order.ts";

interface Item {
  readonly key: string;
  readonly number: number;
}

function items(keys: readonly string[]): Item[] {
  return keys.map((key, number) => ({ key, number }));
}

/** Work that ends after a number of turns of the event loop, so that items overtake each other. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
}

describe("inOrderPerKey", () => {
  it("works on every item once, in order per key, never beyond the limit", async () => {
    const keys = fc.array(fc.constantFrom("a", "b", "c", "d", "e"), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(
        keys,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 20 }),
        async (of, limit, lookAhead) => {
          const started: Item[] = [];
          const active = new Set<string>();
          let most = 0;
          await inOrderPerKey(items(of), {
            keyOf: (item) => item.key,
            limit,
            lookAhead,
            work: async (item) => {
              expect(active.has(item.key)).toBe(false);
              active.add(item.key);
              started.push(item);
              most = Math.max(most, active.size);
              await turns((item.number * 7) % 4);
              active.delete(item.key);
            },
          });
          expect(most).toBeLessThanOrEqual(limit);
          expect(started.length).toBe(of.length);
          for (const key of new Set(of)) {
            const numbers = started.filter((item) => item.key === key).map((item) => item.number);
            expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("works on different keys at once", async () => {
    let active = 0;
    let most = 0;
    await inOrderPerKey(items(["a", "b", "c", "d", "a"]), {
      keyOf: (item) => item.key,
      limit: 3,
      work: async () => {
        active += 1;
        most = Math.max(most, active);
        await turns(2);
        active -= 1;
      },
    });
    expect(most).toBe(3);
  });

  it("takes no more from the source than it may look ahead", async () => {
    let taken = 0;
    let done = 0;
    let most = 0;
    async function* source(): AsyncGenerator<Item> {
      for (const item of items(Array.from({ length: 200 }, () => "same"))) {
        taken += 1;
        most = Math.max(most, taken - done);
        yield item;
      }
    }
    const work = async (): Promise<void> => {
      await turns(1);
      done += 1;
    };
    await inOrderPerKey(source(), { keyOf: (item) => item.key, limit: 2, lookAhead: 10, work });
    expect(done).toBe(200);
    expect(most).toBeLessThanOrEqual(11);
  });

  it("stops at the first failure, lets what runs end, and throws the failure", async () => {
    const ended: number[] = [];
    const run = inOrderPerKey(items(["a", "b", "a", "a", "c"]), {
      keyOf: (item) => item.key,
      limit: 2,
      work: async ({ number }) => {
        await turns(number === 1 ? 5 : 1);
        if (number === 0) throw new Error("refused");
        ended.push(number);
      },
    });
    await expect(run).rejects.toThrow("refused");
    expect(ended).toEqual([1]);
  });

  it("starts nothing after its signal, and returns", async () => {
    const controller = new AbortController();
    const ended: number[] = [];
    await inOrderPerKey(items(Array.from({ length: 100 }, (_, index) => String(index % 7))), {
      keyOf: (item) => item.key,
      limit: 4,
      signal: controller.signal,
      work: async ({ number }) => {
        await turns(1);
        ended.push(number);
        if (number === 20) controller.abort();
      },
    });
    expect(ended.length).toBeGreaterThanOrEqual(21);
    expect(ended.length).toBeLessThan(30);
  });

  it("throws when the source does, after what runs has ended", async () => {
    let ended = 0;
    async function* source(): AsyncGenerator<Item> {
      yield { key: "a", number: 0 };
      throw new Error("broken source");
    }
    const work = async (): Promise<void> => {
      await turns(3);
      ended += 1;
    };
    await expect(inOrderPerKey(source(), { keyOf: (item) => item.key, limit: 2, work })).rejects.toThrow(
      "broken source",
    );
    expect(ended).toBe(1);
  });
});
