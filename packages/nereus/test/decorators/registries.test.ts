import {
  Command,
  type CommandContext,
  Domain,
  type DomainOptions,
  type Element,
  Event,
  type EventContext,
  EventSourcedAggregate,
  EventSourcedRepository,
  identifier,
  isNereusError,
  Projection,
  type ProjectorContext,
  Query,
  type QueryContext,
} from "nereus";
import {
  Aggregate,
  apply,
  decorators,
  handle,
  on,
  type Registry,
  read,
  registry,
  subscriberOf,
} from "nereus/decorators";
import { memory } from "nereus/memory";
import { deliver, given } from "nereus/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { RecordedLog } from "../support/places.ts";
import { type Build, builds, decorate } from "./decorate.ts";

class Opened extends Event("Opened", { accountId: identifier(), holder: z.string() }) {}
class Deposited extends Event("Deposited", { accountId: identifier(), amount: z.number() }) {}
class Open extends Command("Open", { holder: z.string() }).returns<string>() {}
class Deposit extends Command("Deposit", { accountId: identifier(), amount: z.number() }) {}
class Balance extends Projection("Balance", { accountId: identifier(), holder: z.string(), amount: z.number() }) {}
class Richest extends Query("Richest", {}).returns<string | undefined>() {}
const payment = z.object({ account: z.string(), cents: z.number() });

class Account extends EventSourcedAggregate("Account", {
  accountId: identifier(),
  holder: z.string(),
  amount: z.number().default(0),
})
  .applies(Opened, (account, event) => {
    account.accountId = event.accountId;
    account.holder = event.holder;
  })
  .applies(Deposited, (account, event) => {
    account.amount += event.amount;
  }) {}

/** What a container knows. */
class Mailer {
  readonly sent: string[] = [];
}
class Numbers {
  #last = 0;
  next() {
    this.#last += 1;
    return String(this.#last);
  }
}

/** The smallest of containers: what each class needs, by class. */
class Container {
  readonly mailer = new Mailer();
  readonly made: object[] = [];
  readonly #needs = new Map<object, () => readonly unknown[]>();

  needs(type: object, what: () => readonly unknown[]): void {
    this.#needs.set(type, what);
  }

  /** Typed as the containers in use have it. */
  get<T extends object>(type: new (...input: any[]) => T): T {
    const made = Reflect.construct(type, this.#needs.get(type)?.() ?? []) as T;
    this.made.push(made);
    return made;
  }
}

/** A bank of decorated classes, of each kind one. */
function bankOf(build: Build, parts: Registry<abstract new (...input: never) => object>, container: Container) {
  class Accounts extends EventSourcedRepository(Account) {
    async ofHolder(holder: string) {
      const rows = await this.view(Balance).find({ where: { holder } });
      return Promise.all(rows.map(({ accountId }) => this.get(accountId)));
    }
  }
  build.type(Accounts, parts.repository);

  class Commands {
    readonly numbers: Numbers;
    constructor(numbers: Numbers) {
      this.numbers = numbers;
    }
    async open({ holder }: Open, { repository }: CommandContext) {
      const accountId = this.numbers.next();
      await repository(Account).add(Account.create((it) => it.raise(new Opened({ accountId, holder }))));
      return accountId;
    }
    async deposit({ accountId, amount }: Deposit, { repository }: CommandContext) {
      const account = await repository(Accounts).get(accountId);
      account.raise(new Deposited({ accountId, amount }));
      await repository(Account).add(account);
    }
  }
  container.needs(Commands, () => [new Numbers()]);
  decorate(build, Commands, { open: handle(Open), deposit: handle(Deposit) }, parts.commandHandler(Account));

  class Letters {
    readonly mailer: Mailer;
    constructor(mailer: Mailer) {
      this.mailer = mailer;
    }
    deposited({ amount }: Deposited, { metadata }: EventContext) {
      this.mailer.sent.push(`${metadata.streamId}: ${amount}`);
    }
  }
  container.needs(Letters, () => [container.mailer]);
  decorate(build, Letters, { deposited: on(Deposited) }, parts.eventHandler("Letters"));

  class Balances {
    async opened({ accountId, holder }: Opened, { rows }: ProjectorContext<Balance, object>) {
      await rows.create({ accountId, holder, amount: 0 });
    }
    async deposited({ accountId, amount }: Deposited, { rows }: ProjectorContext<Balance, object>) {
      const row = await rows.get(accountId);
      if (row !== undefined) row.amount += amount;
    }
  }
  decorate(
    build,
    Balances,
    { opened: on(Opened), deposited: on(Deposited) },
    parts.projector(Balance, { run: "inline" }),
  );
  class Questions {
    async richest(_query: Richest, { view }: QueryContext<Balance>) {
      return (await view.find({ orderBy: { amount: "desc" }, limit: 1 }))[0]?.accountId;
    }
  }
  decorate(build, Questions, { richest: read(Richest) }, parts.queryHandler(Balance));

  class Desk {
    readonly greeting: string;
    constructor(greeting: string) {
      this.greeting = greeting;
    }
    async open({ process }: CommandContext, holder: string) {
      return this.greet(await process(new Open({ holder })));
    }
    async of({ repository }: CommandContext, holder: string) {
      return (await repository(Accounts).ofHolder(holder)).map(({ amount }) => amount);
    }
    private greet(accountId: string) {
      return `${this.greeting} ${accountId}`;
    }
  }
  class LateDesk extends Desk {
    close(_context: CommandContext) {
      return "closed";
    }
  }
  container.needs(LateDesk, () => ["Welcome"]);
  build.type(LateDesk, parts.service("Desk"));

  class Gateway {
    readonly numbers: Numbers;
    constructor(numbers: Numbers) {
      this.numbers = numbers;
    }
    async receive({ account, cents }: z.infer<typeof payment>, { process }: CommandContext) {
      this.numbers.next();
      await process(new Deposit({ accountId: account, amount: cents / 100 }));
    }
  }
  container.needs(Gateway, () => [new Numbers()]);
  build.type(Gateway, parts.subscriber("Gateway", { stream: "payments", message: payment }));
  return { Desk: LateDesk, Gateway, Letters };
}

function newDomain(elements: readonly Element[], options: Partial<DomainOptions> = {}): Domain {
  const domain = new Domain("bank", { elements, store: memory(), log: new RecordedLog(), ...options });
  onTestFinished(() => domain.stop());
  return domain;
}

async function refusalOf(run: () => unknown): Promise<{ code?: string; cause?: unknown; message?: string }> {
  try {
    await run();
    return { code: "nothing was refused" };
  } catch (error) {
    return isNereusError(error) ? error : { code: String(error) };
  }
}

describe.each(builds)("in a $mode build", (build) => {
  function contained() {
    const container = new Container();
    const parts = registry({ make: (type) => container.get(type) });
    return { container, parts, ...bankOf(build, parts, container) };
  }

  test("a registry is an element: each kind of class works, with what a container hands out", async () => {
    const { parts, container, Desk, Gateway } = contained();
    const bank = newDomain([parts, Account]);
    await bank.start();
    expect(await bank.service(Desk).open("Ada")).toBe("Welcome 1");
    expect(bank.service(Desk).close()).toEqual(expect.any(Promise));
    await bank.deliver(subscriberOf(Gateway), { account: "1", cents: 500 }, { id: "m" });
    await bank.deliver(subscriberOf(Gateway), { account: "1", cents: 500 }, { id: "m" });
    await deliver(bank, subscriberOf(Gateway), { account: "1", cents: 200 });
    await bank.settle();
    expect(container.mailer.sent).toEqual(["1: 5", "1: 2"]);
    expect(await bank.query(new Richest({}))).toBe("1");
    expect(await bank.service(Desk).of("Ada")).toEqual([7]);
    const wrong = bank.deliver(subscriberOf(Gateway), { account: "1" }, { id: "m2" });
    await expect(wrong).rejects.toMatchObject({ code: "VALIDATION_FAILED" });
    expect(new Set(container.made.map((instance) => instance.constructor)).size).toBe(container.made.length);
  });

  test("two domains with one registry run side by side, each with instances and data of its own", async () => {
    const { parts, container, Desk, Letters } = contained();
    const [one, other] = [newDomain([parts, Account]), newDomain([Account, parts])];
    await Promise.all([one.start(), other.start()]);
    expect(await one.process(new Open({ holder: "Ada" }))).toBe("1");
    expect(await one.process(new Open({ holder: "Bo" }))).toBe("2");
    expect(await other.service(Desk).open("Cy")).toBe("Welcome 1");
    expect(await one.view(Balance).count()).toBe(2);
    expect((await other.view(Balance).find()).map(({ holder }) => holder)).toEqual(["Cy"]);
    const letters = container.made.filter((instance) => instance instanceof Letters);
    expect(new Set(letters).size).toBe(2);
    await one.stop();
    expect(await other.process(new Open({ holder: "Di" }))).toBe("2");
  });

  test("check and describe make no instance, of a registry and of decorators(domain)", async () => {
    const { parts, container } = contained();
    let made = 0;
    class Counted {
      constructor() {
        made += 1;
      }
      deposited() {}
    }
    const bank = newDomain([parts, Account]);
    const own = decorators(bank);
    decorate(build, Counted, { deposited: own.on(Deposited) }, own.eventHandler("Counted"));
    expect(bank.check()).toEqual([]);
    expect(Object.keys(bank.describe().eventHandlers)).toEqual(expect.arrayContaining(["Letters", "Counted"]));
    expect([made, container.made.length]).toEqual([0, 0]);
    await bank.start();
    expect([made, container.made.length]).toEqual([1, 6]);
    bank.check();
    bank.describe();
    await bank.start();
    expect([made, container.made.length]).toEqual([1, 6]);
  });

  test("a domain that starts again makes new instances", async () => {
    const { parts, container } = contained();
    const bank = newDomain([parts, Account], { store: memory() });
    await bank.start();
    expect(await bank.process(new Open({ holder: "Ada" }))).toBe("1");
    await bank.stop();
    await bank.start();
    expect(container.made).toHaveLength(12);
    const again = bank.process(new Open({ holder: "Bo" })); // its numbers begin anew, and the account is there
    await expect(again).rejects.toMatchObject({ code: "AGGREGATE_EXISTS" });
  });

  test("a test's domain has the registry and elements of its own", async () => {
    const { parts, container, Desk } = contained();
    const seen: string[] = [];
    class Watching {
      opened({ holder }: Opened) {
        seen.push(holder);
      }
    }
    const more = registry();
    decorate(build, Watching, { opened: more.on(Opened) }, more.eventHandler("Watching"));
    await given(newDomain([parts, Account, more]))
      .when((it) => it.service(Desk).open("Ada"))
      .then(new Opened({ accountId: "1", holder: "Ada" }))
      .when(new Deposit({ accountId: "1", amount: 5 }))
      .thenRow(Balance, "1", { amount: 5 });
    expect(seen).toEqual(["Ada"]);
    expect(container.mailer.sent).toEqual(["1: 5"]);
  });

  test("a registry takes nothing while a domain is started with it, and goes on when all have stopped", async () => {
    const { parts } = contained();
    const more = () => {
      class Late {
        opened() {}
      }
      decorate(build, Late, { opened: on(Opened) }, parts.eventHandler("Late"));
    };
    const [one, other] = [newDomain([parts, Account]), newDomain([parts, Account])];
    await one.start();
    await other.start();
    expect(await refusalOf(more)).toMatchObject({
      code: "DOMAIN_ALREADY_STARTED",
      message: expect.stringMatching("bank"),
    });
    await one.stop();
    expect(await refusalOf(more)).toMatchObject({ code: "DOMAIN_ALREADY_STARTED" });
    await other.stop();
    more();
    await one.start();
    expect(one.describe().eventHandlers).toHaveProperty("Late");
  });

  test("classes decorated for one domain after its start are refused, also by new decorators", async () => {
    const bank = newDomain([Account]);
    await bank.start();
    const { eventHandler } = decorators(bank);
    class Late {
      opened() {}
    }
    decorate(build, Late, { opened: on(Opened) });
    expect(await refusalOf(() => build.type(Late, eventHandler("Late")))).toMatchObject({
      code: "DOMAIN_ALREADY_STARTED",
    });
  });

  const failing: Readonly<Record<string, () => unknown>> = {
    throws: () => {
      throw new Error("no such service");
    },
    "gives another class": () => new Mailer(),
    "gives nothing": () => undefined,
    "gives a promise that is rejected": () => Promise.reject(new Error("no such service")),
    "gives a promise of another class": async () => new Mailer(),
  };
  test.each(Object.entries(failing))(
    "a make that %s lets no domain start, and the next start is free",
    async (_, fail) => {
      class Letters {
        opened() {}
      }
      let isBroken = true;
      const parts = registry({ make: ((type: new () => object) => (isBroken ? fail() : new type())) as never });
      decorate(build, Letters, { opened: on(Opened) }, parts.eventHandler("Letters"));
      const bank = newDomain([parts, Account]);
      const refused = await refusalOf(() => bank.start());
      expect(refused).toMatchObject({ code: "INSTANCE_NOT_MADE", element: "Letters" });
      expect(refused.message).toContain("@eventHandler");
      await expect(bank.settle()).rejects.toMatchObject({ code: "DOMAIN_NOT_STARTED" });
      class More {
        opened() {}
      }
      decorate(build, More, { opened: on(Opened) }, parts.eventHandler("More")); // nothing is started with it
      isBroken = false;
      await bank.start();
    },
  );

  test("a make may take its time, and create has its say before it", async () => {
    const made: string[] = [];
    class Letters {
      readonly by: string;
      constructor(by: string) {
        this.by = by;
      }
      opened() {
        made.push(this.by);
      }
    }
    class Others extends Letters {}
    const parts = registry({ make: async (type) => Reflect.construct(type as never, ["make"]) });
    decorate(build, Letters, { opened: on(Opened) }, parts.eventHandler("Letters"));
    build.type(Others, parts.eventHandler("Others", { create: async () => new Others("create") }));
    await given(newDomain([parts, Account])).when(new Opened({ accountId: "1", holder: "Ada" }));
    expect(made).toEqual(["make", "create"]);
  });

  test("a constructor that throws is told with its reason", async () => {
    class Letters {
      constructor() {
        throw new Error("no paper");
      }
      opened() {}
    }
    const parts = registry();
    decorate(build, Letters, { opened: on(Opened) }, parts.eventHandler("Letters"));
    const refused = await refusalOf(() => newDomain([parts, Account]).start());
    expect(refused).toMatchObject({ code: "INSTANCE_NOT_MADE", cause: new Error("no paper") });
  });

  test("classes that could do nothing are refused at once", async () => {
    const { commandHandler, eventHandler, repository, service, subscriber } = registry();
    const needing = class {
      readonly mailer: Mailer;
      constructor(mailer: Mailer) {
        this.mailer = mailer;
      }
      opened() {}
      receive() {}
    };
    const handled = () => decorate(build, class extends needing {}, { opened: on(Opened) });
    const marked = class {
      receive() {}
    };
    decorate(build, marked, { receive: on(Opened) });
    const options = { stream: "payments", message: payment };
    const attempts: (() => unknown)[] = [
      () => registry({} as never),
      () => registry({ make: "container" as never }),
      () => build.type(needing, service("Desk")),
      () => build.type(needing, subscriber("Gateway", options)),
      () => build.type(decorate(build, needing, { opened: on(Opened) }), eventHandler("Letters")),
      () => build.type(handled(), commandHandler(Account)),
      () => build.type(class {}, repository),
      () => build.type(Account, repository),
      () => build.type(class {}, service("Desk")),
      () => build.type(class {}, subscriber("Gateway", options)),
      () => build.type(marked, subscriber("Gateway", options)),
      () => build.type(marked, service("Desk")),
      () => subscriberOf(marked as never),
    ];
    const codes = await Promise.all(attempts.map(async (run) => (await refusalOf(run)).code));
    expect(codes).toEqual(attempts.map(() => "DECORATOR_INVALID"));
  });

  test("a registry is listed once; what it adds may be listed as well, or be in two registries", async () => {
    const { parts } = contained();
    const more = registry();
    class Placed extends Event("Placed", { id: identifier() }) {}
    class Order extends Aggregate("Order", { id: identifier() }) {
      placed() {}
    }
    decorate(build, Order, { placed: apply(Placed) }, more.aggregate({ eventSourced: true }));
    const other = registry();
    build.type(Order, other.aggregate({ eventSourced: true }));
    expect(newDomain([parts, Account, more, other, Order as unknown as Element, Balance]).check()).toEqual([]);
    const twice = newDomain([parts, Account, parts]).check();
    expect(twice.map(({ code }) => code)).toEqual(["ELEMENT_DUPLICATE"]);
  });

  test("faults of decorated classes are told with those of the model", () => {
    const parts = registry();
    class Order extends Aggregate("Order", { id: identifier() }) {
      opened() {}
    }
    decorate(
      build,
      Order,
      { opened: apply(Opened) },
      parts.aggregate({ eventSourced: true, raises: [Opened, Deposited] }),
    );
    class Commands {
      deposit() {}
    }
    decorate(build, Commands, { deposit: handle(Deposit) }, parts.commandHandler(Account));
    const codes = newDomain([parts])
      .check()
      .map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(["APPLY_MISSING", "AGGREGATE_UNREGISTERED"]));
  });

  test("a class of another registry is no service or subscriber of a domain", async () => {
    const { Desk, Gateway } = contained();
    const { parts } = contained();
    const bank = newDomain([parts, Account]);
    await bank.start();
    expect(await refusalOf(() => bank.service(Desk))).toMatchObject({ code: "UNKNOWN_SERVICE" });
    expect(await refusalOf(() => bank.service(class {}))).toMatchObject({ code: "UNKNOWN_SERVICE" });
    const delivered = () => bank.deliver(subscriberOf(Gateway), { account: "1", cents: 1 }, { id: "m" });
    expect(await refusalOf(delivered)).toMatchObject({ code: "UNKNOWN_SERVICE" });
    const alone = newDomain([subscriberOf(Gateway), Account]);
    await alone.start();
    const handled = alone.deliver(subscriberOf(Gateway), { account: "1", cents: 1 }, { id: "m" });
    await expect(handled).rejects.toMatchObject({ code: "DECORATOR_INVALID" });
  });
});
