import { readFileSync } from "node:fs";
import { Aggregate, type Domain, eventHandlers, identifier, Projection, projector, reference } from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  Account,
  Branch,
  BranchRenamed,
  bank,
  Deposit,
  Deposited,
  Open,
  OpenBranch,
  RenameBranch,
  VisitBranch,
  Withdraw,
} from "./support/bank.ts";
import { counting } from "./support/counting-store.ts";
import { storedMessages } from "./support/log.ts";
import {
  CatalogueRow,
  catalogueRows,
  MoveProduct,
  MoveProductBack,
  moveAll,
  moving,
  movingBack,
  Offer,
  PriceChanges,
  Product,
  ProductImported,
  ProductMovedBack,
  ProductRepriced,
  priceChanges,
  productsToMove,
  Reprice,
  repricing,
  StoredProduct,
} from "./support/moving.ts";
import { type Place, places } from "./support/places.ts";
import { workbench } from "./support/workbench.ts";

const bench = workbench(Account);
const elements = [...bank, bench.handlers];

const look = (domain: Domain) =>
  bench.run(domain, async ({ repository }) => {
    const account = await repository(Account).get("1");
    const branch = await repository(Branch).get("b");
    return [account.balance, account.version, branch.name, branch.visits, branch.version];
  });

/** An account and a branch that change together. */
const both = (domain: Domain, order: "account" | "branch", options = {}) =>
  bench.run(
    domain,
    async ({ repository }) => {
      const account = await repository(Account).get("1");
      const branch = await repository(Branch).get("b");
      account.deposit(10);
      branch.rename("North");
      account.deposit(20);
      if (order === "account") await repository(Account).add(account);
      await repository(Branch).add(branch);
      if (order === "branch") await repository(Account).add(account);
      return account.balance;
    },
    options,
  );

async function opened(at: Place, options = {}): Promise<Domain> {
  const domain = await at.start(elements, options);
  await domain.process(new Open({ accountId: "1" }));
  await domain.process(new OpenBranch({ branchId: "b" }));
  return domain;
}

describe.each(places())("on $name", (kind) => {
  test("an aggregate of each kind and what they raised are stored in one commit, in the order of raising", async () => {
    const at = kind.open();
    const store = counting(at.store());
    const domain = await opened(at, { store });
    store.calls.clear();
    let appends = 0;
    let documents = 0;
    store.beforeCommit = (commit) => {
      appends = commit.appends?.flatMap(({ messages }) => messages).length ?? 0;
      documents = commit.documents?.length ?? 0;
    };
    expect(await both(domain, "branch")).toBe(30);
    expect([store.calls.get("commit"), appends, documents]).toEqual([1, 3, 1]);
    expect((await storedMessages(at)).map(({ type, stream, version }) => `${type} ${stream.id}@${version}`)).toEqual([
      "Opened 1@0",
      "Deposited 1@1",
      "BranchRenamed b@0",
      "Deposited 1@2",
    ]);
    expect(await look(domain)).toEqual([30, 2, "North", 0, 1]);
  });

  test.each(["account", "branch"] as const)(
    "a conflict at the one that is added with the %s first: nothing of the attempt is stored",
    async (order) => {
      const rivalry: readonly [object, (string | number)[]][] = [
        [new Deposit({ accountId: "1", amount: 1 }), [1, 1, "Main", 0, 0]],
        [new VisitBranch({ branchId: "b" }), [0, 0, "Main", 1, 1]],
      ];
      for (const [theirs, expected] of rivalry) {
        const at = kind.open();
        const store = counting(at.store());
        const domain = await opened(at, { store, retries: 0 });
        const rival = await at.start(elements);
        store.beforeCommit = async () => {
          store.beforeCommit = undefined;
          await rival.process<unknown>(theirs as Deposit);
        };
        await expect(both(domain, order, { idempotencyKey: "k" })).rejects.toMatchObject({
          code: "CONCURRENCY_CONFLICT",
        });
        expect(await look(domain)).toEqual(expected);
        expect(await look(rival)).toEqual(expected);
        const opening = await at.opened();
        expect(await opening.records.idempotency("", "k")).toBeUndefined();
        expect((await storedMessages(at)).filter(({ type }) => type === "BranchRenamed")).toEqual([]);
      }
    },
  );

  test("with retries, the attempt that is stored has decided on both as they are then", async () => {
    const at = kind.open();
    const store = counting(at.store());
    const domain = await opened(at, { store });
    const rival = await at.start(elements);
    const theirs = [
      () => rival.process(new Deposit({ accountId: "1", amount: 1 })),
      () => rival.process(new VisitBranch({ branchId: "b" })),
      () => rival.process(new RenameBranch({ branchId: "b", name: "West" })),
      () => rival.process(new Withdraw({ accountId: "1", amount: 1 })),
    ];
    store.beforeCommit = async () => {
      await theirs.shift()?.();
    };
    expect(await both(domain, "account")).toBe(30);
    expect(await look(domain)).toEqual([30, 4, "North", 1, 3]);
    expect(await look(rival)).toEqual([30, 4, "North", 1, 3]);
  });

  test("64 concurrent commands over both kinds, from two processes, all take effect once", async () => {
    const at = kind.open();
    const domains = [await opened(at), await at.start(elements)];
    await Promise.all(
      Array.from({ length: 64 }, (_, n) =>
        bench.run(domains[n % 2]!, async ({ process }) => {
          await process(new Deposit({ accountId: "1", amount: 1 }));
          await process(new VisitBranch({ branchId: "b" }));
        }),
      ),
    );
    expect(await look(domains[0]!)).toEqual([64, 64, "Main", 64, 64]);
    expect(await look(domains[1]!)).toEqual([64, 64, "Main", 64, 64]);
  });

  test("a fault of the machine, an enricher or an inline projection: neither kind is stored", async () => {
    const at = kind.open();
    class Name extends Projection("Name", { branchId: identifier(), name: z.string() }) {}
    let broken = true;
    const names = projector(Name, { run: "inline" }).upsert(
      BranchRenamed,
      ({ branchId }) => branchId,
      ({ branchId, name }) => ({ branchId, name }),
      (row, { name }) => {
        if (broken) throw new Error("no row today");
        row.name = name;
      },
    );
    const store = counting(at.store());
    const domain = await at.start([...elements, Name, names], { store });
    await domain.process(new Open({ accountId: "1" }));
    await domain.process(new OpenBranch({ branchId: "b" }));
    await expect(both(domain, "account")).rejects.toThrow("no row today");
    broken = false;
    store.beforeCommit = () => {
      throw new Error("disk on fire");
    };
    await expect(both(domain, "account")).rejects.toThrow("disk on fire");
    store.beforeCommit = undefined;
    expect(await look(domain)).toEqual([0, 0, "Main", 0, 0]);
    expect((await storedMessages(at)).map(({ type }) => type)).toEqual(["Opened"]);
    expect(await both(domain, "account")).toBe(30);
    expect((await domain.view(Name).get("b"))?.name).toBe("North");
  });

  test("what a state-stored aggregate raised reaches inline and async projections and event handlers like any event", async () => {
    const at = kind.open();
    class Seen extends Projection("Seen", { id: identifier(), names: z.array(z.string()) }) {}
    class SeenLater extends Projection("SeenLater", { id: identifier(), names: z.array(z.string()) }) {}
    const blank = ({ branchId }: BranchRenamed) => ({ id: branchId, names: [] });
    const keyOf = ({ branchId }: BranchRenamed) => branchId;
    const note = (row: { names: string[] }, { name }: BranchRenamed) => {
      row.names = [...row.names, name];
    };
    const now = projector(Seen, { run: "inline" }).upsert(BranchRenamed, keyOf, blank, note);
    const later = projector(SeenLater, { run: "async" }).upsert(BranchRenamed, keyOf, blank, note);
    const told: string[] = [];
    const handlers = eventHandlers("Told").on(BranchRenamed, ({ name }) => void told.push(name));
    const domain = await at.start([...elements, Seen, now, SeenLater, later, handlers]);
    await domain.process(new OpenBranch({ branchId: "b" }));
    for (const name of ["A", "B"]) await domain.process(new RenameBranch({ branchId: "b", name }));
    expect((await domain.view(Seen).get("b"))?.names).toEqual(["A", "B"]);
    await domain.settle();
    expect((await domain.view(SeenLater).get("b"))?.names).toEqual(["A", "B"]);
    expect(told).toEqual(["A", "B"]);
  });

  test("a command that changes one kind and is refused by a rule of the other changes neither", async () => {
    const at = kind.open();
    const domain = await opened(at);
    const refused = bench.run(domain, async ({ repository, process }) => {
      await process(new RenameBranch({ branchId: "b", name: "North" }));
      await process(new Withdraw({ accountId: "1", amount: 5 }));
      return repository(Branch).count();
    });
    await expect(refused).rejects.toThrow("Insufficient funds");
    expect(await look(domain)).toEqual([0, 0, "Main", 0, 0]);
    expect((await storedMessages(at)).map(({ type }) => type)).toEqual(["Opened"]);
  });

  test("a state-stored aggregate that refers to an event-sourced one is found by the reference", async () => {
    class Card extends Aggregate(
      "Card",
      { cardId: identifier(), accountId: reference(Account) },
      { indexes: [["accountId"]] },
    ) {}
    const domain = await kind.open().start([...elements, Card]);
    await domain.process(new Open({ accountId: "1" }));
    const balances = await bench
      .run(domain, async ({ repository, process }) => {
        await repository(Card).add(new Card({ cardId: "c", accountId: "1" }));
        await process(new Deposit({ accountId: "1", amount: 7 }));
      })
      .then(() =>
        bench.run(domain, async ({ repository }) => {
          const cards = await repository(Card).query({ where: { accountId: "1" } });
          return Promise.all(cards.map(async ({ accountId }) => (await repository(Account).get(accountId)).balance));
        }),
      );
    expect(balances).toEqual([7]);
    expect(Deposited.name).toBe("Deposited");
  });
});

// docs/recipes/moving-an-aggregate.md, step by step

const stored = workbench(StoredProduct);
const moved = workbench(Product);
const before = [StoredProduct, stored.handlers, PriceChanges, priceChanges];
const during = [
  ...before,
  ...[Product, moved.handlers, CatalogueRow, catalogueRows, moving, productsToMove, repricing, Offer],
];
const after = [Product, moved.handlers, CatalogueRow, catalogueRows, PriceChanges, priceChanges, Offer];
const back = [...during, movingBack];

async function stock(domain: Domain, tenant = "", count = 5): Promise<void> {
  await stored.run(
    domain,
    async ({ repository }) => {
      for (let n = 1; n <= count; n++) {
        const parts = Array.from({ length: n % 3 }, (_, at) => ({ partId: `part${at}`, quantity: at }));
        await repository(StoredProduct).add(
          new StoredProduct({ productId: `p${n}`, sku: `sku${n}`, price: BigInt(n), parts }),
        );
      }
    },
    { tenant },
  );
}

const documents = (domain: Domain, tenant = "") =>
  stored.run(domain, async ({ repository }) => (await repository(StoredProduct).query()).map((it) => it.toJSON()), {
    tenant,
  });
const sourced = (domain: Domain, ids: readonly string[], tenant = "") =>
  moved.run(
    domain,
    async ({ repository }) => {
      const found = await Promise.all(ids.map((id) => repository(Product).get(id)));
      return found.map((it) => it.toJSON());
    },
    { tenant },
  );

describe.each(places())("moving an aggregate, on $name", (kind) => {
  test("every document becomes an event, with all that it held, and the counts agree", async () => {
    const at = kind.open();
    const old = await at.start(before);
    for (const tenant of ["", "t"]) await stock(old, tenant, tenant === "" ? 150 : 3);
    const [former, formerOfT] = [await documents(old), await documents(old, "t")];
    await old.stop();

    const domain = await at.start(during);
    expect([await moveAll(domain, ""), await moveAll(domain, "t")]).toEqual([150, 3]);
    for (const [tenant, all] of [
      ["", former],
      ["t", formerOfT],
    ] as const) {
      expect(await documents(domain, tenant)).toEqual([]);
      expect(await domain.view(CatalogueRow, { tenant }).count()).toBe(all.length);
      const ids = all.map((it) => String(it["productId"]));
      expect(await sourced(domain, ids, tenant)).toEqual(all.map((it) => ({ ...it, movedBack: false })));
    }
    const imports = (await storedMessages(at)).filter(({ type }) => type === ProductImported.name);
    expect(imports).toHaveLength(153);
    expect(new Set(imports.map(({ stream }) => stream.category))).toEqual(new Set(["CatalogueProduct"]));
    expect(await moveAll(domain, "")).toBe(0);

    const last = await at.start(after); // the former aggregate is no element any more
    expect(await sourced(last, ["p1"])).toMatchObject([{ sku: "sku1" }]);
  });

  test("a document and its event change places in one transaction: a failure between them is impossible", async () => {
    const at = kind.open();
    const store = counting(at.store());
    const domain = await at.start(during, { store });
    await stock(domain);
    store.beforeCommit = () => {
      throw new Error("disk on fire");
    };
    await expect(domain.process(new MoveProduct({ productId: "p1" }))).rejects.toThrow("disk on fire");
    store.beforeCommit = undefined;
    expect([(await documents(domain)).length, await storedMessages(at)]).toEqual([5, []]);
    // a writer of the old release changes the document meanwhile: what is moved is what is there then
    const rival = await at.start(before);
    store.beforeCommit = async () => {
      store.beforeCommit = undefined;
      await stored.run(rival, async ({ repository }) => {
        const product = await repository(StoredProduct).get("p1");
        product.reprice(77n);
        await repository(StoredProduct).add(product);
      });
    };
    expect(await domain.process(new MoveProduct({ productId: "p1" }))).toBe(true);
    expect(await sourced(domain, ["p1"])).toMatchObject([{ price: "77" }]);
    expect((await documents(domain)).length).toBe(4);
  });

  test("the script may run twice at once, and beside commands, which move what they need themselves", async () => {
    const at = kind.open();
    const domains = [await at.start(during), await at.start(during)];
    await stock(domains[0]!, "", 40);
    const [first, second] = await Promise.all([
      moveAll(domains[0]!, ""),
      moveAll(domains[1]!, ""),
      ...Array.from({ length: 40 }, (_, n) =>
        domains[n % 2]!.process(new Reprice({ productId: `p${40 - n}`, price: 1000n })),
      ),
    ]);
    expect((first as number) + (second as number)).toBeLessThanOrEqual(40);
    expect(await documents(domains[0]!)).toEqual([]);
    const rows = await domains[0]!.view(CatalogueRow).find();
    expect([rows.length, rows.every(({ price }) => price === 1000n)]).toEqual([40, true]);
    const types = (await storedMessages(at)).map(({ type }) => type);
    expect([types.filter((it) => it === "ProductImported").length, types.length]).toEqual([40, 80]);
  });

  test("references, read models, event handlers, sent commands and idempotency keys go on as they were", async () => {
    const at = kind.open();
    const old = await at.start([...before, ...[Product, CatalogueRow, catalogueRows, moving, repricing, Offer]]);
    await stock(old);
    await stored.run(old, async ({ repository }) => {
      const product = await repository(StoredProduct).get("p1");
      product.reprice(10n);
      await repository(StoredProduct).add(product);
      await repository(Offer).add(new Offer({ offerId: "o", productId: "p1" }));
    });
    await old.settle();
    await old.send(new Reprice({ productId: "p1", price: 20n })); // waits for the next release
    await old.process(new Reprice({ productId: "p2", price: 5n }), { idempotencyKey: "k" });
    await old.stop();

    const told: bigint[] = [];
    const handlers = eventHandlers("Told").on(ProductRepriced, ({ price }) => void told.push(price));
    const domain = await at.start([...during, handlers]);
    await moveAll(domain, "");
    await domain.settle();
    expect(await sourced(domain, ["p1"])).toMatchObject([{ price: "20" }]);
    expect((await domain.view(PriceChanges).get("p1"))?.count).toBe(2); // one from each of its lives
    await domain.process(new Reprice({ productId: "p2", price: 5n }), { idempotencyKey: "k" });
    expect((await domain.view(PriceChanges).get("p2"))?.count).toBe(1);
    const offered = await moved.run(domain, async ({ repository }) => {
      const [offer] = await repository(Offer).query({ where: { productId: "p1" } });
      return (await repository(Product).get(String(offer?.productId))).price;
    });
    expect(offered).toBe(20n);
  });

  test("versions begin anew, so that whoever holds one of a document has to read again", async () => {
    const domain = await kind.open().start(during);
    await stock(domain);
    await domain.process(new MoveProduct({ productId: "p1" }));
    const version = await moved.run(domain, async ({ repository }) => (await repository(Product).get("p1")).version);
    expect(version).toBe(0);
  });

  test("unique values are held by the inline projection from then on", async () => {
    const domain = await kind.open().start(during);
    await stock(domain);
    await moveAll(domain, "");
    const list = (id: string, sku: string) =>
      moved.run(domain, ({ repository }) => repository(Product).add(Product.list(id, sku, 1n)));
    await expect(list("new", "sku1")).rejects.toMatchObject({ code: "UNIQUE_VIOLATED" });
    await list("new", "other");
  });

  test("while both exist, each holds its own: the import of a value that was taken meanwhile is refused", async () => {
    const domain = await kind.open().start(during);
    await stock(domain);
    await moved.run(domain, ({ repository }) => repository(Product).add(Product.list("new", "sku3", 1n)));
    await expect(moveAll(domain, "")).rejects.toMatchObject({ code: "UNIQUE_VIOLATED" });
    expect((await documents(domain)).map((it) => it["productId"])).toEqual(["p3", "p4", "p5"]);
  });

  test("a mover that has not looked for the product first is told that it exists, where a rival was first", async () => {
    const at = kind.open();
    const store = counting(at.store());
    const domain = await at.start(during, { store });
    const rival = await at.start(during);
    await stock(domain);
    store.beforeCommit = async () => {
      store.beforeCommit = undefined;
      await rival.process(new MoveProduct({ productId: "p1" }));
    };
    const careless = moved.run(domain, async ({ repository }) => {
      const document = await repository(StoredProduct).get("p1");
      const product = Product.create(() => undefined);
      product.import(document);
      await repository(Product).add(product);
      await repository(StoredProduct).remove(document);
    });
    await expect(careless).rejects.toMatchObject({ code: "AGGREGATE_EXISTS" });
    expect((await storedMessages(at)).length).toBe(1);
  });

  test("and back: each becomes a document again, its history stays and says that it has ended", async () => {
    const at = kind.open();
    const domain = await at.start(back);
    await stock(domain);
    const former = await documents(domain);
    await moveAll(domain, "");
    const rows = await domain.view(CatalogueRow).find();
    for (const { productId } of rows) {
      expect(await domain.process(new MoveProductBack({ productId }))).toBe(true);
      expect(await domain.process(new MoveProductBack({ productId }))).toBe(false);
    }
    expect(await documents(domain)).toEqual(former);
    expect(await domain.view(CatalogueRow).count()).toBe(0);
    const history = (await storedMessages(at)).filter(({ stream }) => stream.id === "p1");
    expect(history.map(({ type }) => type)).toEqual([ProductImported.name, ProductMovedBack.name]);
    const first = await moved.run(
      domain,
      async ({ repository }) => (await repository(Product).get("p1", { atVersion: 0 })).sku,
    );
    expect(first).toBe("sku1");
    // and forth once more: the history goes on
    expect(await moveAll(domain, "")).toBe(former.length);
    expect(await sourced(domain, ["p2"])).toEqual([{ ...former[1], movedBack: false }]);
    for (const { productId } of rows) await domain.process(new MoveProductBack({ productId }));
    // with the former release only, the documents are as before the move
    const old = await at.start(before);
    expect(await documents(old)).toEqual(former);
  });
});

test("the recipe's snippets are cut from the file that these tests run", () => {
  const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
  const source = read("./support/moving.ts");
  const recipe = read("../../../docs/recipes/moving-an-aggregate.md");
  const snippets = [...recipe.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => String(code));
  expect(snippets.length).toBeGreaterThan(5);
  for (const snippet of snippets) expect(source).toContain(snippet);
});
