import {
  Aggregate,
  Command,
  commandHandlers,
  Event,
  EventSourcedAggregate,
  identifier,
  Projection,
  projector,
} from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { counting } from "./support/counting-store.ts";
import { storedMessages } from "./support/log.ts";
import { places } from "./support/places.ts";
import { workbench } from "./support/workbench.ts";

class Renamed extends Event("Renamed", { productId: identifier(), sku: z.string() }) {}
class Product extends Aggregate(
  "Product",
  {
    productId: identifier(),
    sku: z.string().nullable(),
    maker: z.string().optional(),
    model: z.string().nullable().default(null),
    serial: z.bigint().optional(),
    since: z.date().optional(),
    stock: z.number().default(0),
  },
  { unique: [["sku"], ["maker", "model"], ["serial"], ["since"]] },
).raises(Renamed) {
  rename(sku: string) {
    this.sku = sku;
    this.raise(new Renamed({ productId: this.productId, sku }));
  }
}
class Counted extends Event("Counted", { counterId: identifier() }) {}
class Counter extends EventSourcedAggregate("Counter", { counterId: identifier(), n: z.number().default(0) }).applies(
  Counted,
  (counter, event) => {
    counter.counterId = event.counterId;
    counter.n += 1;
  },
) {}
class List extends Command("List", { productId: identifier(), sku: z.string() }).returns<string>() {}
class Rename extends Command("Rename", { productId: identifier(), sku: z.string() }).returns<string>() {}
class Restock extends Command("Restock", { productId: identifier() }).returns<number>() {}
const commands = commandHandlers(Product)
  .create(List, ({ productId, sku }) => new Product({ productId, sku }))
  .update(Rename, (product, { sku }) => {
    product.rename(sku);
    return sku;
  })
  .update(Restock, (product) => {
    product.stock += 1;
    return product.stock;
  });
const bench = workbench(Product);
const elements = [Product, Counter, commands, bench.handlers];

// the same for event-sourced aggregates: by an inline projection
class Registered extends Event("Registered", { userId: identifier(), email: z.string() }) {}
class EmailChanged extends Event("EmailChanged", { userId: identifier(), email: z.string() }) {}
class Left extends Event("Left", { userId: identifier() }) {}
class User extends EventSourcedAggregate("User", { userId: identifier(), email: z.string() })
  .applies(Registered, (user, event) => {
    user.userId = event.userId;
    user.email = event.email;
  })
  .applies(EmailChanged, (user, event) => {
    user.email = event.email;
  })
  .applies(Left, () => undefined) {
  static register(userId: string, email: string) {
    return User.create((user) => user.raise(new Registered({ userId, email })));
  }
}
class Email extends Projection("Email", { userId: identifier(), email: z.string() }, { unique: [["email"]] }) {}
const emails = projector(Email, { run: "inline" })
  .create(Registered, ({ userId, email }) => ({ userId, email }))
  .update(
    EmailChanged,
    ({ userId }) => userId,
    (row, { email }) => {
      row.email = email;
    },
  )
  .remove(Left, ({ userId }) => userId);
class Register extends Command("Register", { userId: identifier(), email: z.string() }).returns<string>() {}
class ChangeEmail extends Command("ChangeEmail", { userId: identifier(), email: z.string() }).returns<string>() {}
class Leave extends Command("Leave", { userId: identifier() }) {}
const userCommands = commandHandlers(User)
  .create(Register, ({ userId, email }) => User.register(userId, email))
  .update(ChangeEmail, (user, { userId, email }) => {
    user.raise(new EmailChanged({ userId, email }));
    return user.email;
  })
  .update(Leave, (user, { userId }) => user.raise(new Left({ userId })));
const users = workbench(User);
const userElements = [User, Email, emails, userCommands, users.handlers];

const list = (productId: string, sku: string) => new List({ productId, sku });
const rename = (productId: string, sku: string) => new Rename({ productId, sku });
const taken = { code: "UNIQUE_VIOLATED" };

describe.each(places())("on $name", (kind) => {
  describe("of state-stored aggregates", () => {
    test("a value that another has is refused at once, and says whose it is", async () => {
      const at = kind.open();
      const store = counting(at.store());
      const domain = await at.start(elements, { store });
      await domain.process(list("1", "a"));
      store.calls.clear();
      await expect(domain.process(list("2", "a"))).rejects.toMatchObject({
        code: "UNIQUE_VIOLATED",
        element: "Product",
        message: expect.stringMatching(/Product 2.*sku.*1/),
      });
      expect(store.calls.get("commit")).toBe(1); // trying again would not help
      await domain.process(list("2", "b"));
      await expect(domain.process(rename("2", "a"))).rejects.toMatchObject(taken);
      expect(store.calls.get("commit")).toBe(3);
      await domain.process(rename("1", "a")); // its own is no other's
    });

    test("nothing of the refused command is stored: no event, no other aggregate, no idempotency record", async () => {
      const at = kind.open();
      const domain = await at.start(elements);
      await domain.process(list("1", "a"));
      await expect(
        bench.run(
          domain,
          async ({ repository }) => {
            await repository(Counter).add(Counter.create((it) => it.raise(new Counted({ counterId: "c" }))));
            await repository(Product).add(new Product({ productId: "3", sku: "free" }));
            const product = new Product({ productId: "2", sku: "x" });
            product.rename("a");
            await repository(Product).add(product);
          },
          { idempotencyKey: "k" },
        ),
      ).rejects.toMatchObject(taken);
      expect(await storedMessages(at)).toEqual([]);
      const store = await at.opened();
      expect(await store.records.idempotency("", "k")).toBeUndefined();
      expect(await bench.run(domain, ({ repository }) => repository(Product).count())).toBe(1);
      // the key is free: the same request may be repeated when the value is
      const again = () => domain.process(list("2", "a"), { idempotencyKey: "k" });
      await expect(again()).rejects.toMatchObject(taken);
      await domain.process(rename("1", "b"));
      expect([await again(), await again()]).toEqual(["2", "2"]);
    });

    test("the aggregate in memory is unharmed after the refusal", async () => {
      const at = kind.open();
      const domain = await at.start(elements);
      await domain.process(list("1", "a"));
      await domain.process(list("2", "b"));
      await expect(domain.process(rename("2", "a"))).rejects.toMatchObject(taken);
      expect(await domain.process(new Restock({ productId: "2" }), { expectedVersion: 0 })).toBe(1);
      const seen = await bench.run(domain, async ({ repository }) => {
        const product = await repository(Product).get("2");
        return [product.sku, product.version, product.stock];
      });
      expect(seen).toEqual(["b", 1, 1]);
      expect(await storedMessages(at)).toEqual([]);
    });

    test("who looked for the identity first, and found it free, is refused all the same, and not retried", async () => {
      const at = kind.open();
      const store = counting(at.store());
      const domain = await at.start(elements, { store });
      await domain.process(list("1", "a"));
      store.calls.clear();
      const upsert = bench.run(domain, async ({ repository }) => {
        const product = (await repository(Product).find("2")) ?? new Product({ productId: "2", sku: "a" });
        await repository(Product).add(product);
      });
      await expect(upsert).rejects.toMatchObject(taken);
      expect(store.calls.get("commit")).toBe(1);
    });

    test("who looked for the value first, and is beaten to it, is refused", async () => {
      const at = kind.open();
      const store = counting(at.store());
      const domain = await at.start(elements, { store });
      const rival = await at.start(elements);
      store.beforeCommit = async () => {
        store.beforeCommit = undefined;
        await rival.process(list("1", "a"));
      };
      const careful = bench.run(domain, async ({ repository }) => {
        if ((await repository(Product).count({ sku: "a" })) > 0) return "taken";
        await repository(Product).add(new Product({ productId: "2", sku: "a" }));
        return "added";
      });
      await expect(careful).rejects.toMatchObject(taken);
    });

    test("a conflict of versions is found first, and tried again", async () => {
      const at = kind.open();
      const store = counting(at.store());
      const domain = await at.start(elements, { store });
      const rival = await at.start(elements);
      await domain.process(list("1", "a"));
      await domain.process(list("2", "b"));
      store.beforeCommit = async () => {
        store.beforeCommit = undefined;
        await rival.process(rename("1", "c")); // frees the value
        await rival.process(new Restock({ productId: "2" }));
      };
      expect(await domain.process(rename("2", "a"))).toBe("a");
    });

    test("several fields count together, and null or absent ones not at all", async () => {
      const domain = await kind.open().start(elements);
      let made = 0;
      const add = (fields: object) =>
        bench.run(domain, ({ repository }) =>
          repository(Product).add(new Product({ productId: `p${made++}`, sku: null, ...fields })),
        );
      await add({ maker: "m", model: "1" });
      await add({ maker: "m", model: "2" });
      await add({ maker: "n", model: "1" });
      await expect(add({ maker: "m", model: "1" })).rejects.toMatchObject({
        code: "UNIQUE_VIOLATED",
        message: expect.stringContaining("maker and model"),
      });
      for (let n = 0; n < 2; n++) {
        await add({}); // sku is null, the rest absent
        await add({ maker: "m" }); // model is null
        await add({ model: "1" }); // maker is absent
      }
      await add({ sku: "" });
      await expect(add({ sku: "" })).rejects.toMatchObject(taken); // an empty text is a value
    });

    test("values are told apart exactly: case, accents, large numbers, what strings look like", async () => {
      const domain = await kind.open().start(elements);
      let made = 0;
      const add = (fields: object) =>
        bench.run(domain, ({ repository }) =>
          repository(Product).add(new Product({ productId: `p${made++}`, sku: null, ...fields })),
        );
      const skus = [
        "a",
        "A",
        "ä",
        "a\u0308",
        "a ",
        " a",
        "1",
        "1.0",
        "01",
        "null",
        "\ud800",
        "\ud801",
        "\ufffd",
        "x\0y",
        "x",
      ];
      const different: object[] = [
        ...skus.map((sku) => ({ sku })),
        ...[2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 63n + 1n, 2n ** 200n, 2n ** 200n + 1n, -1n, 1n].map(
          (serial) => ({
            serial,
          }),
        ),
        ...[0, 1, -1].map((time) => ({ since: new Date(time) })),
        // the parts of a list are not run together
        ...[
          { maker: "ab", model: "c" },
          { maker: "a", model: "bc" },
          { maker: "a,b", model: "c" },
        ],
      ];
      for (const fields of different) await add(fields);
      for (const fields of different)
        await expect(add(fields), JSON.stringify(Object.keys(fields))).rejects.toMatchObject(taken);
    });

    test("two may exchange their values in one command, and three may pass them on", async () => {
      const domain = await kind.open().start(elements);
      for (const [id, sku] of [
        ["1", "a"],
        ["2", "b"],
        ["3", "c"],
      ] as const)
        await domain.process(list(id, sku));
      await bench.run(domain, async ({ process }) => {
        await process(rename("1", "b"));
        await process(rename("2", "c"));
        await process(rename("3", "a"));
      });
      const skus = () =>
        bench.run(domain, async ({ repository }) => (await repository(Product).query()).map(({ sku }) => sku));
      expect(await skus()).toEqual(["b", "c", "a"]);
      const clash = bench.run(domain, async ({ process }) => {
        await process(rename("1", "c"));
        await process(rename("2", "x"));
        await process(rename("3", "x"));
      });
      await expect(clash).rejects.toMatchObject(taken);
      expect(await skus()).toEqual(["b", "c", "a"]);
    });

    test("a removal frees the value: later, and in the same command", async () => {
      const domain = await kind.open().start(elements);
      await domain.process(list("1", "a"));
      await bench.run(domain, async ({ repository }) => repository(Product).remove(await repository(Product).get("1")));
      await domain.process(list("2", "a"));
      await bench.run(domain, async ({ repository }) => {
        await repository(Product).add(new Product({ productId: "3", sku: "a" }));
        await repository(Product).remove(await repository(Product).get("2"));
      });
      await expect(domain.process(list("4", "a"))).rejects.toMatchObject({ message: expect.stringContaining("3") });
      await bench.run(domain, async ({ repository }) => {
        const product = await repository(Product).get("3");
        product.sku = null;
        await repository(Product).add(product);
      });
      await domain.process(list("4", "a"));
    });

    test("each tenant has its own values", async () => {
      const domain = await kind.open().start(elements);
      for (const tenant of ["a", "b", ""]) await domain.process(list("1", "x"), { tenant });
      for (const tenant of ["a", "b", ""]) {
        await expect(domain.process(list("2", "x"), { tenant })).rejects.toMatchObject(taken);
      }
    });

    test("of 32 concurrent commands with one value exactly one wins, also from two processes", async () => {
      const at = kind.open();
      const domains = [await at.start(elements), await at.start(elements)];
      const outcomes = await Promise.allSettled(
        Array.from({ length: 32 }, (_, n) => domains[n % 2]!.process(list(`p${n}`, "one"))),
      );
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      const codes = outcomes.flatMap((it) => (it.status === "rejected" ? [it.reason.code] : []));
      expect(new Set(codes)).toEqual(new Set(["UNIQUE_VIOLATED"]));
      expect(await bench.run(domains[0]!, ({ repository }) => repository(Product).count())).toBe(1);
    });

    test("two of one command with one value are refused", async () => {
      const domain = await kind.open().start(elements);
      const both = bench.run(domain, async ({ repository }) => {
        for (const productId of ["1", "2"]) await repository(Product).add(new Product({ productId, sku: "a" }));
      });
      await expect(both).rejects.toMatchObject(taken);
      expect(await bench.run(domain, ({ repository }) => repository(Product).count())).toBe(0);
    });

    test("a nested command that is refused at the end dooms the whole", async () => {
      const at = kind.open();
      const domain = await at.start(elements);
      await domain.process(list("1", "a"));
      const outer = bench.run(domain, async ({ process }) => {
        await process(list("2", "b"));
        await process(list("3", "a")).catch(() => undefined); // it fails only with the commit
      });
      await expect(outer).rejects.toMatchObject(taken);
      expect(await bench.run(domain, ({ repository }) => repository(Product).count())).toBe(1);
    });
  });

  describe("of event-sourced aggregates, by an inline projection", () => {
    test("a value that another has is refused, not retried, and no event of it is stored", async () => {
      const at = kind.open();
      const store = counting(at.store());
      const domain = await at.start(userElements, { store });
      await domain.process(new Register({ userId: "1", email: "a@x" }));
      store.calls.clear();
      await expect(domain.process(new Register({ userId: "2", email: "a@x" }))).rejects.toMatchObject({
        code: "UNIQUE_VIOLATED",
        element: "Email",
      });
      expect(store.calls.get("commit")).toBe(1);
      expect((await storedMessages(at)).map(({ stream }) => stream.id)).toEqual(["1"]);
      expect(await domain.view(Email).count()).toBe(1);
    });

    test("the aggregate in the cache is unharmed, and its next command goes on from what is stored", async () => {
      const at = kind.open();
      const domain = await at.start(userElements);
      for (const id of ["1", "2"]) await domain.process(new Register({ userId: id, email: `${id}@x` }));
      for (let round = 0; round < 3; round++) {
        await expect(domain.process(new ChangeEmail({ userId: "2", email: "1@x" }))).rejects.toMatchObject(taken);
      }
      const seen = await users.run(domain, async ({ repository }) => {
        const user = await repository(User).get("2");
        return [user.email, user.version, user.pendingEvents.length];
      });
      expect(seen).toEqual(["2@x", 0, 0]);
      expect(await domain.process(new ChangeEmail({ userId: "2", email: "new@x" }), { expectedVersion: 0 })).toBe(
        "new@x",
      );
      expect((await storedMessages(at)).map(({ type, version }) => [type, version])).toEqual([
        ["Registered", 0],
        ["Registered", 0],
        ["EmailChanged", 1],
      ]);
    });

    test("a value is freed by a change and by a removal, and exchanged in one command", async () => {
      const at = kind.open();
      const domain = await at.start(userElements);
      for (const id of ["1", "2"]) await domain.process(new Register({ userId: id, email: `${id}@x` }));
      await users.run(domain, async ({ process }) => {
        await process(new ChangeEmail({ userId: "1", email: "2@x" }));
        await process(new ChangeEmail({ userId: "2", email: "1@x" }));
      });
      expect((await domain.view(Email).find()).map(({ email }) => email)).toEqual(["2@x", "1@x"]);
      await domain.process(new Leave({ userId: "1" }));
      await domain.process(new Register({ userId: "3", email: "2@x" }));
      await expect(domain.process(new Register({ userId: "4", email: "2@x" }))).rejects.toMatchObject(taken);
    });

    test("each tenant has its own values, and of 32 commands with one value one wins", async () => {
      const at = kind.open();
      const domains = [await at.start(userElements), await at.start(userElements)];
      for (const tenant of ["a", "b"]) {
        const outcomes = await Promise.allSettled(
          Array.from({ length: 32 }, (_, n) =>
            domains[n % 2]!.process(new Register({ userId: `u${n}`, email: "one@x" }), { tenant }),
          ),
        );
        expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
        const codes = outcomes.flatMap((it) => (it.status === "rejected" ? [it.reason.code] : []));
        expect(new Set(codes)).toEqual(new Set(["UNIQUE_VIOLATED"]));
      }
      expect(await storedMessages(at)).toHaveLength(2);
    });

    test("32 concurrent changes of 32 users to one value: one has it, the others keep theirs", async () => {
      const at = kind.open();
      const domains = [await at.start(userElements), await at.start(userElements)];
      const ids = Array.from({ length: 32 }, (_, n) => `u${n}`);
      for (const userId of ids) await domains[0]!.process(new Register({ userId, email: `${userId}@x` }));
      const outcomes = await Promise.allSettled(
        ids.map((userId, n) => domains[n % 2]!.process(new ChangeEmail({ userId, email: "one@x" }))),
      );
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      const rows = await domains[0]!.view(Email).find();
      expect(rows.filter(({ email }) => email === "one@x")).toHaveLength(1);
      expect(new Set(rows.map(({ email }) => email)).size).toBe(32);
      for (const domain of domains) {
        for (const { userId, email } of rows) {
          const seen = await users.run(domain, async ({ repository }) => (await repository(User).get(userId)).email);
          expect(seen).toBe(email);
        }
      }
    });
  });
});
