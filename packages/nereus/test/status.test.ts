import { Aggregate, Entity, Event, EventSourcedAggregate, hasMany, identifier, status } from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { inMemory } from "./support/places.ts";
import { codeOf, refusalOf } from "./support/refusal.ts";
import { script } from "./support/scripts.ts";

const flow = () =>
  status({ DRAFT: ["PLACED"], PLACED: ["PAID", "DRAFT"], PAID: ["PAID", "SHIPPED"], SHIPPED: [] }, "DRAFT");
type State = "DRAFT" | "PLACED" | "PAID" | "SHIPPED";

class Task extends Entity("Task", { taskId: identifier(), state: flow() }) {}
class Order extends Aggregate("Order", { orderId: identifier(), state: flow(), tasks: hasMany(Task) }) {}

class Moved extends Event("Moved", { id: identifier(), to: z.array(z.string()) }) {}
class TaskAdded extends Event("TaskAdded", { id: identifier(), taskId: z.string(), states: z.array(z.string()) }) {}
class TaskMoved extends Event("TaskMoved", { id: identifier(), taskId: z.string(), to: z.string() }) {}
class Job extends EventSourcedAggregate("Job", { id: identifier(), state: flow(), tasks: hasMany(Task) })
  .applies(Moved, (job, { id, to }) => {
    job.id = id;
    for (const state of to) job.state = state as State;
  })
  .applies(TaskAdded, (job, { taskId, states }) => {
    const task = new Task({ taskId });
    job.tasks.add(task);
    for (const state of states) task.state = state as State;
  })
  .applies(TaskMoved, (job, { taskId, to }) => {
    job.tasks.get(taskId).state = to as State;
  }) {
  move(...to: State[]) {
    this.raise(new Moved({ id: "1", to }));
  }
}
const job = (...to: State[]) => Job.create((it) => it.raise(new Moved({ id: "1", to })));
const forbidden = "STATUS_TRANSITION_FORBIDDEN";

describe("a status", () => {
  test("moves along its transitions; the error says from where, to where, and what is allowed", () => {
    const order = new Order({});
    const error = refusalOf(() => (order.state = "PAID"));
    expect([error.code, error.message]).toEqual([
      forbidden,
      `Order ${order.orderId}: state: cannot go from DRAFT to PAID (allowed: PLACED)`,
    ]);
    order.state = "PLACED";
    order.state = "DRAFT";
    order.state = "PLACED";
    order.state = "PAID";
    order.state = "SHIPPED";
    for (const state of ["DRAFT", "PLACED", "PAID"] as const) {
      expect(refusalOf(() => (order.state = state)).message).toContain("terminal");
    }
    expect(order.state).toBe("SHIPPED");
  });

  test("has as many steps in one change as it is assigned, and each of them is checked", () => {
    const order = new Order({});
    order.change(() => {
      order.state = "PLACED";
      order.change(() => {
        order.state = "PAID";
      });
      order.state = "SHIPPED";
    });
    expect(order.state).toBe("SHIPPED");
    const back = () =>
      order.change(() => {
        order.state = "DRAFT";
        order.state = "SHIPPED"; // back where it was, by a way that is closed
      });
    expect(codeOf(back)).toBe(forbidden);
    const it = job("DRAFT");
    it.change(() => {
      it.move("PLACED");
      it.move("PAID");
    });
    expect(codeOf(() => it.change(() => void [it.move("SHIPPED"), it.move("PAID")]))).toBe(forbidden);
    expect([it.state, it.version]).toEqual(["PAID", 2]);
  });

  test("that is set to what it is: a step of an event-sourced aggregate, none of a state-stored one", () => {
    const it = job("DRAFT");
    expect(codeOf(() => it.move("DRAFT"))).toBe(forbidden);
    it.move("PLACED", "PAID");
    it.move("PAID"); // re-entry is in its list
    it.move("SHIPPED");
    expect(codeOf(() => it.move("SHIPPED"))).toBe(forbidden);
    expect([it.state, it.version]).toEqual(["SHIPPED", 3]);
    const order = new Order({ state: "SHIPPED" });
    order.state = "SHIPPED";
    order.change(() => Object.assign(order, { state: "SHIPPED" }));
    expect(order.state).toBe("SHIPPED");
  });

  test("of a new event-sourced aggregate may be given the value that it begins with, and goes on from there", () => {
    expect(job("DRAFT").state).toBe("DRAFT");
    expect(job("DRAFT", "PLACED", "PAID").state).toBe("PAID");
    expect(codeOf(() => job("PAID"))).toBe(forbidden);
  });

  test("is never checked when an aggregate is constructed or restored", async () => {
    const place = inMemory();
    const save = script(Order, ({ repository }) =>
      repository(Order).add(new Order({ orderId: "1", state: "SHIPPED", tasks: [{ taskId: "t", state: "PAID" }] })),
    );
    const load = script(Order, async ({ repository }) => JSON.stringify(await repository(Order).get("1")));
    const domain = await place.start([Order, save.handlers, load.handlers], { cachedAggregates: 0 });
    await domain.process(save.command());
    expect(await domain.process(load.command())).toContain("SHIPPED");
  });

  test("of an entity that comes in with an event may be given its first value, of an old one not", () => {
    const it = job("DRAFT");
    const add = (taskId: string, ...states: State[]) => it.raise(new TaskAdded({ id: "1", taskId, states }));
    add("a", "DRAFT");
    add("b", "DRAFT", "PLACED");
    expect(codeOf(() => add("c", "PAID"))).toBe(forbidden);
    expect(codeOf(() => it.raise(new TaskMoved({ id: "1", taskId: "a", to: "DRAFT" })))).toBe(forbidden);
    it.raise(new TaskMoved({ id: "1", taskId: "a", to: "PLACED" }));
    expect(it.tasks.toJSON()).toEqual([
      { taskId: "a", state: "PLACED" },
      { taskId: "b", state: "PLACED" },
    ]);
    it.change(() => {
      add("d", "DRAFT");
      it.raise(new TaskMoved({ id: "1", taskId: "d", to: "PLACED" }));
    });
    expect(it.tasks.get("d").state).toBe("PLACED");
  });

  test("of an entity is checked under its aggregate and without one", () => {
    const task = new Task({ taskId: "t" });
    expect(codeOf(() => (task.state = "PAID"))).toBe(forbidden);
    const order = new Order({ tasks: [task] });
    expect(codeOf(() => (task.state = "PAID"))).toBe(forbidden);
    task.state = "PLACED";
    order.tasks.remove(task);
    expect(codeOf(() => (task.state = "SHIPPED"))).toBe(forbidden);
    task.state = "PAID";
    expect(task.state).toBe("PAID");
  });

  test("that is none of the named states is a value that does not fit", () => {
    const order = new Order({});
    for (const state of ["paid", "", "__proto__", "constructor", null, 1]) {
      expect(codeOf(() => (order.state = state as never))).toBe("VALIDATION_FAILED");
    }
    expect(codeOf(() => new Order({ state: "toString" as never }))).toBe("VALIDATION_FAILED");
  });

  test("keeps its transitions in whatever it is wrapped", () => {
    const wrapped = {
      optional: flow().optional(),
      nullable: flow().nullable(),
      described: flow().describe("where it is"),
      both: flow().meta({ title: "x" }).optional().describe("y").readonly(),
      removed: flow().unwrap().optional(), // no status any more, but a plain enum
    };
    class Wrapped extends Aggregate("Wrapped", { id: identifier(), ...wrapped }) {}
    const it = new Wrapped({});
    for (const field of ["optional", "nullable", "described", "both"] as const) {
      expect(codeOf(() => Object.assign(it, { [field]: "SHIPPED" }))).toBe(forbidden);
      expect(it.canTransitionTo(field, "PLACED")).toBe(true);
      Object.assign(it, { [field]: "PLACED" });
      expect(it[field]).toBe("PLACED");
    }
    it.removed = "SHIPPED";
    it.removed = "DRAFT";
    expect(codeOf(() => (it.optional = undefined))).toBe(forbidden); // no transition leads to nothing
    const nothing = new Wrapped({ nullable: null });
    nothing.nullable = "SHIPPED"; // from nothing, any state
    expect(codeOf(() => (nothing.nullable = "DRAFT"))).toBe(forbidden);
  });
});

describe("canTransitionTo", () => {
  test("says what an assignment would", () => {
    const states: State[] = ["DRAFT", "PLACED", "PAID", "SHIPPED"];
    for (const from of states) {
      for (const to of states.filter((state) => state !== from)) {
        const order = new Order({ state: from, tasks: [{ taskId: "t", state: from }] });
        const allowed = order.canTransitionTo("state", to);
        expect(order.tasks.get("t").canTransitionTo("state", to)).toBe(allowed);
        if (allowed) order.state = to;
        else expect(codeOf(() => (order.state = to))).toBe(forbidden);
      }
    }
    expect(job("DRAFT").canTransitionTo("state", "PLACED")).toBe(true);
    expect(job("DRAFT").canTransitionTo("state", "DRAFT")).toBe(false);
  });

  test("goes by the value that the status has within a change", () => {
    const order = new Order({});
    order.change(() => {
      order.state = "PLACED";
      expect([order.canTransitionTo("state", "PAID"), order.canTransitionTo("state", "PLACED")]).toEqual([true, false]);
    });
  });

  test("is false for what is no state, and refuses what is no status", () => {
    const order = new Order({});
    for (const state of ["NOWHERE", "__proto__", "constructor", undefined, null]) {
      expect(order.canTransitionTo("state", state as never)).toBe(false);
    }
    class Blank extends Aggregate("Blank", { id: identifier(), state: flow().nullable() }) {}
    const blank = new Blank({ state: null });
    expect(blank.canTransitionTo("state", "SHIPPED")).toBe(true);
    expect(blank.canTransitionTo("state", "toString" as never)).toBe(false);
    for (const field of ["orderId", "nothing", "__proto__", "toJSON"]) {
      expect(codeOf(() => order.canTransitionTo(field as never, "DRAFT" as never))).toBe("UNKNOWN_FIELD");
    }
  });
});
