import { Aggregate, Command, Event, identifier } from "nereus";
import { builder, fixedIdentities, given } from "nereus/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { Branch, Signatory } from "../support/bank.ts";

class Opened extends Event("Opened", { accountId: identifier(), holder: z.string(), opening: z.number().default(0) }) {}
class Open extends Command("Open", { accountId: identifier(), holder: z.string() }) {}

describe("a builder", () => {
  const opened = builder(Opened, { holder: "Ada" });

  test("fills in what a test is not about", () => {
    expect({ ...opened({ accountId: "1" }) }).toEqual({ accountId: "1", holder: "Ada", opening: 0 });
    expect({ ...opened({ accountId: "1", holder: "Grace", opening: 5 }) }).toEqual({
      accountId: "1",
      holder: "Grace",
      opening: 5,
    });
    expect(opened({ accountId: "1" })).toBeInstanceOf(Opened);
  });

  test("makes a new message each time", () => {
    expect(opened({ accountId: "1" }).equals(opened({ accountId: "1" }))).toBe(false);
  });

  test("makes commands, entities and aggregates as well", () => {
    expect({ ...builder(Open, { holder: "Ada" })({ accountId: "1" }) }).toEqual({ accountId: "1", holder: "Ada" });
    expect(builder(Signatory, { email: "a@b.co" })().email).toBe("a@b.co");
    expect(builder(Branch, { name: "Main" })({ branchId: "b" }).branchId).toBe("b");
  });

  test("is checked by the class", () => {
    expect(() => opened({ accountId: "" })).toThrow(expect.objectContaining({ code: "VALIDATION_FAILED" }));
  });
});

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const newBranch = () => new Branch({ name: "Main" }).branchId;

describe("fixed identities", () => {
  test("count from one, and end when they are restored", async () => {
    const ids = fixedIdentities();
    expect([newBranch(), newBranch()]).toEqual([
      "00000000-0000-7000-8000-000000000001",
      "00000000-0000-7000-8000-000000000002",
    ]);
    expect(ids.nth(3)).toMatch(uuid);
    await given(Branch)
      .when(() => new Branch({ name: "Main" }))
      .thenState({ branchId: ids.nth(3) });
    ids.restore();
    ids.restore();
    expect(newBranch()).not.toBe(ids.nth(4));
  });

  test("end with the block that they are used in", () => {
    const ids = fixedIdentities();
    expect(newBranch()).toBe(ids.nth(1));
    ids[Symbol.dispose](); // what `using` calls
    expect(newBranch()).not.toBe(ids.nth(2));
  });

  test("begin anew, and leave the series around them alone", () => {
    const outer = fixedIdentities();
    expect(newBranch()).toBe(outer.nth(1));
    const inner = fixedIdentities();
    expect(newBranch()).toBe(inner.nth(1));
    inner.restore();
    expect(newBranch()).toBe(outer.nth(2));
    outer.restore();
  });

  test.each([1, 2, 3, 4, 5])("are of each flow its own (%i)", async () => {
    const flow = async (pause: number) => {
      const ids = fixedIdentities();
      const made: string[] = [];
      for (let place = 1; place <= 5; place++) {
        made.push(newBranch());
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
      ids.restore();
      return made.map((id, at) => id === ids.nth(at + 1));
    };
    const flows = await Promise.all([1, 2, 0, 3].map((pause) => Promise.resolve().then(() => flow(pause))));
    expect(flows.flat()).toEqual(Array(20).fill(true));
    expect(newBranch()).not.toMatch(/^00000000/);
  });

  describe("of a hook", () => {
    let ids = fixedIdentities();
    ids.restore();
    beforeEach(() => {
      ids = fixedIdentities();
    });
    afterEach(() => ids.restore());

    test.each([1, 2])("hold in the test (%i)", async () => {
      expect(newBranch()).toBe(ids.nth(1));
      await Promise.resolve();
      expect(newBranch()).toBe(ids.nth(2));
    });
  });
});

test("identities of a field's own are left to it", () => {
  class Ticket extends Aggregate("Ticket", { number: identifier({ generate: () => "T-1" }) }) {}
  const ids = fixedIdentities();
  expect(new Ticket({}).number).toBe("T-1");
  ids.restore();
});
