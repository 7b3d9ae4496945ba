import { inspect } from "node:util";
import {
  Event,
  EventSourcedAggregate,
  identifier,
  isNereusError,
  NotImplementedError,
  status,
  ValueObject,
} from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Account, Closed, Deposited, Opened, SignatoryNamed, Withdrawn } from "./support/bank.ts";

const account = (balance = 100): Account => {
  const made = Account.open("1", "Ada");
  if (balance > 0) made.deposit(balance);
  return made;
};
const snapshotOf = (it: Account) => ({ state: it.toJSON(), version: it.version, pending: [...it.pendingEvents] });
function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isNereusError(error)) return error.code;
    throw error;
  }
  return "nothing thrown";
}

test("raise runs the apply handler, counts the version and keeps the event until it is saved", () => {
  const it = account();
  expect(it.version).toBe(1);
  expect(it.balance).toBe(100);
  expect(it.pendingEvents.map((event) => event.constructor)).toEqual([Opened, Deposited]);
});

test("create answers an aggregate as its first events made it; nothing raised leaves it at version -1", () => {
  expect(Account.create(() => undefined).version).toBe(-1);
  expect(Account.open("7", "Bo").toJSON()).toEqual({
    accountId: "7",
    holder: "Bo",
    balance: 0,
    status: "ACTIVE",
    signatories: [],
  });
});

test("an event that the aggregate does not list is refused before anything happens", () => {
  class Foreign extends Event("Foreign", { accountId: identifier() }) {}
  const it = account();
  const before = snapshotOf(it);
  for (const event of [new Foreign({ accountId: "1" }), {}, undefined, "Opened", null]) {
    expect(() => it.raise(event as never)).toThrow(expect.objectContaining({ code: "APPLY_HANDLER_MISSING" }));
  }
  expect(() => it.raise(new Foreign({ accountId: "1" }) as never)).toThrow(NotImplementedError);
  expect(snapshotOf(it)).toEqual(before);
});

test("an event of another class with the same name is refused", () => {
  const Impostor = class extends Event("Deposited", { amount: z.string() }) {};
  const it = account();
  expect(codeOf(() => it.raise(new Impostor({ amount: "lots" }) as never))).toBe("APPLY_HANDLER_MISSING");
  expect(it.balance).toBe(100);
});

test("state cannot be assigned outside an apply handler, nor through its entities", () => {
  const it = account();
  it.raise(new SignatoryNamed({ accountId: "1", email: "a@b.co" }));
  const loose = it as unknown as { balance: number };
  expect(codeOf(() => (loose.balance = 5))).toBe("STATE_CHANGED_OUTSIDE_APPLY");
  expect(codeOf(() => it.change(() => (loose.balance = 5)))).toBe("STATE_CHANGED_OUTSIDE_APPLY");
  const signatories = it.signatories as unknown as { add(it: unknown): void; remove(id: string): void };
  expect(codeOf(() => signatories.add({ email: "c@d.co" }))).toBe("STATE_CHANGED_OUTSIDE_APPLY");
  expect(codeOf(() => signatories.remove("a@b.co"))).toBe("STATE_CHANGED_OUTSIDE_APPLY");
  const one = it.signatories.get("a@b.co") as { email: string };
  expect(codeOf(() => (one.email = "x@y.co"))).toBe("STATE_CHANGED_OUTSIDE_APPLY");
  expect(it.balance).toBe(100);
  expect(it.signatories.toJSON()).toEqual([{ email: "a@b.co" }]);
});

test("state cannot be given to a constructor", () => {
  const make = Account as unknown as new (state: object) => Account;
  expect(codeOf(() => new make({ accountId: "1", balance: 1e9 }))).toBe("STATE_CHANGED_OUTSIDE_APPLY");
});

test("a status moves along allowed transitions only", () => {
  const it = account(0);
  it.close();
  expect(it.status).toBe("CLOSED");
  expect(it.version).toBe(1);
  class Reopened extends Event("Reopened", { id: identifier() }) {}
  class Shut extends Event("Shut", { id: identifier() }) {}
  class Door extends EventSourcedAggregate("Door", { id: identifier(), state: z.string().default("") })
    .applies(Shut, (door, event) => {
      door.id = event.id;
    })
    .applies(Reopened, () => undefined) {}
  expect(Door.create((door) => door.raise(new Shut({ id: "1" }))).version).toBe(0);
});

describe("atomicity", () => {
  test("a field that does not fit its schema refuses the event", () => {
    class Titled extends Event("Titled", { id: identifier(), title: z.string() }) {}
    class Post extends EventSourcedAggregate("Post", {
      id: identifier(),
      title: z.string().max(3).default(""),
    }).applies(Titled, (post, event) => {
      post.id = event.id;
      post.title = event.title;
    }) {}
    const post = Post.create((it) => it.raise(new Titled({ id: "1", title: "abc" })));
    expect(codeOf(() => post.raise(new Titled({ id: "1", title: "abcd" })))).toBe("VALIDATION_FAILED");
    expect([post.title, post.version]).toEqual(["abc", 0]);
  });

  test("a list that an apply handler changes in place is checked like an assignment", () => {
    class Tagged extends Event("Tagged", { id: identifier(), tag: z.string() }) {}
    class Post extends EventSourcedAggregate("TaggedPost", {
      id: identifier(),
      tags: z.array(z.string().max(3)).max(2).default([]),
    }).applies(Tagged, (post, event) => {
      post.id = event.id;
      post.tags.push(event.tag);
    }) {}
    const post = Post.create((it) => it.raise(new Tagged({ id: "1", tag: "abc" })));
    expect(codeOf(() => post.raise(new Tagged({ id: "1", tag: "much too long" })))).toBe("VALIDATION_FAILED");
    expect([post.tags, post.version]).toEqual([["abc"], 0]);
  });

  test("every rule that fails is named in the one error", () => {
    class Set2 extends Event("Set2", { id: identifier(), a: z.number(), b: z.number() }) {}
    class Pair extends EventSourcedAggregate("Pair", {
      id: identifier(),
      a: z.number().default(0),
      b: z.number().default(0),
    })
      .applies(Set2, (pair, event) => void Object.assign(pair, { id: event.id, a: event.a, b: event.b }))
      .invariant("a", "a is negative", (pair) => pair.a >= 0)
      .invariant("b", "b is negative", (pair) => pair.b >= 0) {}
    const pair = Pair.create((it) => it.raise(new Set2({ id: "1", a: 1, b: 1 })));
    expect(() => pair.raise(new Set2({ id: "1", a: -1, b: -1 }))).toThrow(
      expect.objectContaining({
        code: "INVARIANT_FAILED",
        issues: [expect.objectContaining({ code: "a" }), expect.objectContaining({ code: "b" })],
      }),
    );
  });

  test("an apply handler that throws halfway leaves nothing behind", () => {
    class Broke extends Event("Broke", { id: identifier() }) {}
    class Vase extends EventSourcedAggregate("Vase", {
      id: identifier(),
      parts: z.array(z.string()).default(["whole"]),
      count: z.number().default(1),
    }).applies(Broke, (vase, event) => {
      vase.id = event.id;
      vase.count += 1;
      vase.parts.push("shard");
      if (vase.count > 2) throw new Error("crash");
    }) {}
    const vase = Vase.create((it) => it.raise(new Broke({ id: "1" })));
    expect(() => vase.raise(new Broke({ id: "1" }))).toThrow("crash");
    expect(vase.toJSON()).toEqual({ id: "1", parts: ["whole", "shard"], count: 2 });
    expect([vase.version, vase.pendingEvents.length]).toEqual([0, 1]);
  });

  test("several events in change() are one: rules hold at its end, and a failure takes all of them back", () => {
    const it = account(100);
    it.change(() => {
      it.withdraw(150); // overdrawn in between
      it.deposit(60);
    });
    expect([it.balance, it.version]).toEqual([10, 3]);
    const before = snapshotOf(it);
    expect(() =>
      it.change(() => {
        it.deposit(5);
        it.withdraw(100);
      }),
    ).toThrow("Insufficient funds");
    expect(snapshotOf(it)).toEqual(before);
  });

  test("change() inside change() that fails and is caught undoes its own part only", () => {
    const it = account(100);
    it.change(() => {
      it.deposit(1);
      try {
        it.change(() => {
          it.deposit(1000);
          throw new Error("no");
        });
      } catch {
        it.deposit(2);
      }
    });
    expect(it.balance).toBe(103);
    expect(it.pendingEvents.map((event) => ("amount" in event ? event.amount : 0))).toEqual([0, 100, 1, 2]);
  });

  test("change() returns what its steps return, and refuses asynchronous ones", () => {
    const it = account(100);
    expect(it.change(() => 7)).toBe(7);
    const before = snapshotOf(it);
    expect(
      codeOf(() =>
        it.change(async () => {
          it.deposit(1);
        }),
      ),
    ).toBe("CHANGE_ASYNCHRONOUS");
    expect(snapshotOf(it)).toEqual(before);
  });

  test("an apply handler cannot raise", () => {
    class Rang extends Event("Rang", { id: identifier() }) {}
    let bell: { raise(event: Rang): void } | undefined;
    class Bell extends EventSourcedAggregate("Bell", { id: identifier() }).applies(Rang, (it, event) => {
      it.id = event.id;
      bell?.raise(new Rang({ id: "1" }));
    }) {}
    const made = Bell.create((it) => it.raise(new Rang({ id: "1" })));
    bell = made;
    expect(codeOf(() => made.raise(new Rang({ id: "1" })))).toBe("RAISED_INSIDE_APPLY");
    expect(made.version).toBe(0);
  });

  test("a collection is as before after a failed event, in the same order", () => {
    const it = account();
    for (const email of ["a@x.co", "b@x.co", "c@x.co"]) it.raise(new SignatoryNamed({ accountId: "1", email }));
    const before = snapshotOf(it);
    expect(codeOf(() => it.raise(new SignatoryNamed({ accountId: "1", email: "b@x.co" })))).toBe("ENTITY_DUPLICATE");
    expect(codeOf(() => it.raise(new SignatoryNamed({ accountId: "1", email: "no email" })))).toBe("VALIDATION_FAILED");
    expect(snapshotOf(it)).toEqual(before);
    expect([...it.signatories].map(({ email }) => email)).toEqual(["a@x.co", "b@x.co", "c@x.co"]);
  });
});

test("one event object cannot be raised twice: each event happens once", () => {
  const it = account(0);
  const event = new Deposited({ accountId: "1", amount: 5 });
  it.raise(event);
  expect(() => it.raise(event)).toThrow();
  expect([it.balance, it.version]).toEqual([5, 1]);
});

test("a default that holds lists is each aggregate's own", () => {
  class Added extends Event("Added", { id: identifier(), name: z.string() }) {}
  class Group extends EventSourcedAggregate("Group", {
    id: identifier(),
    members: z.object({ names: z.array(z.string()) }).default({ names: [] }),
  }).applies(Added, (group, event) => {
    group.id = event.id;
    group.members.names.push(event.name);
  }) {}
  const first = Group.create((it) => it.raise(new Added({ id: "1", name: "a" })));
  const second = Group.create((it) => it.raise(new Added({ id: "2", name: "b" })));
  expect([first.members.names, second.members.names]).toEqual([["a"], ["b"]]);
});

test("an apply handler may hold on to a set, map or date it reads", () => {
  class Seen extends Event("Seen", { id: identifier(), a: z.string(), b: z.string() }) {}
  class Guests extends EventSourcedAggregate("Guests", {
    id: identifier(),
    names: z.set(z.string()).default(() => new Set<string>()),
    last: z.date().default(() => new Date(0)),
  }).applies(Seen, (guests, event) => {
    guests.id = event.id;
    const { names, last } = guests;
    names.add(event.a);
    if (guests.names.has(event.a)) names.add(event.b);
    guests.last.setTime(guests.last.getTime() + 1);
    last.setTime(last.getTime() + 1);
  }) {}
  const guests = Guests.create((it) => it.raise(new Seen({ id: "1", a: "x", b: "y" })));
  expect([...guests.names]).toEqual(["x", "y"]);
  expect(guests.last.getTime()).toBe(2);
});

test("a value object field cannot be assigned what is none", () => {
  class Money extends ValueObject("Cash", { amount: z.number() }) {}
  class Priced extends Event("Priced", { id: identifier(), amount: z.number() }) {}
  class Item extends EventSourcedAggregate("Item", { id: identifier(), price: Money }).applies(
    Priced,
    (item, event) => {
      item.id = event.id;
      item.price = (event.amount === 13 ? "garbage" : new Money({ amount: event.amount })) as Money;
    },
  ) {}
  const item = Item.create((it) => it.raise(new Priced({ id: "1", amount: 5 })));
  expect(codeOf(() => item.raise(new Priced({ id: "1", amount: 13 })))).toBe("VALIDATION_FAILED");
  expect(item.price.amount).toBe(5);
});

test("toJSON and inspect show the state, the version and what is pending", () => {
  const it = account(3);
  expect(JSON.parse(JSON.stringify(it))).toMatchObject({ accountId: "1", balance: 3, signatories: [] });
  expect(inspect(it)).toMatch(/^Account \{[\s\S]*balance: 3[\s\S]*\} \(version 1, 2 pending\)$/);
});

test("pendingEvents is a copy: pushing to it adds nothing", () => {
  const it = account(0);
  (it.pendingEvents as object[]).push(new Withdrawn({ accountId: "1", amount: 1 }));
  expect(it.pendingEvents).toHaveLength(1);
});

test("the identity, once set, stays", () => {
  const it = account(0);
  expect(codeOf(() => it.raise(new Opened({ accountId: "2", holder: "Eve" })))).toBe("IDENTITY_IMMUTABLE");
  expect(it.accountId).toBe("1");
});

test("a terminal status refuses the event, and the error says what is allowed", () => {
  const it = account(0);
  it.close();
  expect(() => it.raise(new Closed({ accountId: "1" }))).toThrow(/CLOSED to CLOSED/); // closing twice is one too many
  class Flipped extends Event("Flipped", { id: identifier(), to: z.enum(["ON", "OFF", "BROKEN"]) }) {}
  class Switch extends EventSourcedAggregate("Switch", {
    id: identifier(),
    state: statusField(),
  }).applies(Flipped, (it, event) => {
    it.id = event.id;
    it.state = event.to;
  }) {}
  const lamp = Switch.create((it) => it.raise(new Flipped({ id: "1", to: "ON" })));
  lamp.raise(new Flipped({ id: "1", to: "BROKEN" }));
  expect(() => lamp.raise(new Flipped({ id: "1", to: "OFF" }))).toThrow(/terminal/);
  expect(lamp.state).toBe("BROKEN");
});

function statusField() {
  return status({ OFF: ["ON"], ON: ["OFF", "BROKEN"], BROKEN: [] }, "OFF");
}

test("an .applies handler that sets what is no field is refused, and leaves nothing of it", () => {
  class Filed extends Event("Filed", { caseId: identifier(), title: z.string(), source: z.string() }) {}
  class Titled extends Event("Titled", { caseId: identifier(), title: z.string() }) {}
  class Case extends EventSourcedAggregate("Case", { caseId: identifier(), title: z.string() })
    .applies(Filed, (state, event) => {
      Object.assign(state, event);
    })
    .applies(Titled, (state, event) => {
      Object.assign(state, event);
    }) {
    declare note?: string;
  }
  expect(codeOf(() => Case.create((it) => it.raise(new Filed({ caseId: "1", title: "A", source: "mail" }))))).toBe(
    "FIELD_NOT_IN_SHAPE",
  );
  const it = Case.create((own) => own.raise(new Titled({ caseId: "1", title: "A" })));
  it.note = "of its class, and set by nobody's event";
  expect(codeOf(() => it.raise(new Filed({ caseId: "1", title: "B", source: "mail" })))).toBe("FIELD_NOT_IN_SHAPE");
  expect(it.toJSON()).toEqual({ caseId: "1", title: "A" });
  expect([it.version, Object.keys(it)]).toEqual([0, ["note"]]);
});
