import {
  Command,
  type CommandContext,
  Domain,
  type DomainOptions,
  Event,
  EventSourcedAggregate,
  identifier,
  isNereusError,
  Projection,
  type ProjectorContext,
  Query,
  type QueryContext,
} from "nereus";
import { apply, decorators } from "nereus/decorators";
import { memory } from "nereus/memory";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { builds, decorate } from "./decorate.ts";

class Opened extends Event("Opened", { accountId: identifier() }) {}
class Deposited extends Event("Deposited", { accountId: identifier(), amount: z.number() }) {}
class Open extends Command("Open", { accountId: identifier() }).returns<string>() {}
class Deposit extends Command("Deposit", { accountId: identifier(), amount: z.number() }) {}
class Balance extends Projection("Balance", { accountId: identifier(), amount: z.number() }) {}
class Richest extends Query("Richest", {}).returns<string | undefined>() {}

class Account extends EventSourcedAggregate("Account", { accountId: identifier(), amount: z.number().default(0) })
  .applies(Opened, (account, event) => {
    account.accountId = event.accountId;
  })
  .applies(Deposited, (account, event) => {
    account.amount += event.amount;
  }) {}

function newDomain(options: Partial<DomainOptions> = {}): Domain {
  const domain = new Domain("bank", { elements: [Account], store: memory(), ...options });
  onTestFinished(() => domain.stop());
  return domain;
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return isNereusError(error) ? error.code : String(error);
  }
}

describe.each(builds)("in a $mode build", (build) => {
  /** A base whose handlers are inherited. */
  function commands({ handle }: Pick<ReturnType<typeof decorators>, "handle">) {
    class Opening {
      readonly handled: string[] = [];
      async open({ accountId }: Open, { repository }: CommandContext) {
        this.handled.push("open");
        await repository(Account).add(Account.create((it) => it.raise(new Opened({ accountId }))));
        return accountId;
      }
    }
    class AccountCommands extends Opening {
      static made: AccountCommands[] = [];
      constructor() {
        super();
        AccountCommands.made.push(this);
      }
      async deposit({ accountId, amount }: Deposit, { repository }: CommandContext) {
        this.handled.push("deposit");
        const account = await repository(Account).get(accountId);
        account.raise(new Deposited({ accountId, amount }));
        await repository(Account).add(account);
      }
    }
    decorate(build, Opening, { open: handle(Open) });
    return decorate(build, AccountCommands, { deposit: handle(Deposit) });
  }

  test("commands are handled by methods of one instance, made when the domain starts", async () => {
    const domain = newDomain();
    const made = decorators(domain);
    const AccountCommands = commands(made);
    build.type(AccountCommands, made.commandHandler(Account));
    expect(AccountCommands.made).toHaveLength(0);
    await domain.start();
    expect(await domain.process(new Open({ accountId: "1" }))).toBe("1");
    await domain.process(new Deposit({ accountId: "1", amount: 5 }));
    expect(AccountCommands.made.map(({ handled }) => handled)).toEqual([["open", "deposit"]]);
  });

  test("events are handled after the command, in the order of the methods", async () => {
    const domain = newDomain();
    const { commandHandler, eventHandler, handle, on } = decorators(domain);
    build.type(commands({ handle }), commandHandler(Account));
    class Letters {
      readonly sent: string[];
      constructor(sent: string[]) {
        this.sent = sent;
      }
      first(event: Opened) {
        this.sent.push(`first ${event.accountId}`);
      }
      async second() {
        this.sent.push("second");
      }
    }
    const sent: string[] = [];
    const create = () => new Letters(sent);
    decorate(build, Letters, { first: on(Opened), second: [on(Opened), on(Deposited)] }, eventHandler("L", { create }));
    await domain.start();
    await domain.process(new Open({ accountId: "1" }));
    await domain.process(new Deposit({ accountId: "1", amount: 5 }));
    await domain.settle();
    expect(sent).toEqual(["first 1", "second", "second"]);
  });

  test("a projection is filled and asked by methods, and needs no other registration", async () => {
    const domain = newDomain();
    const { commandHandler, handle, on, projector, queryHandler, read } = decorators(domain);
    build.type(commands({ handle }), commandHandler(Account));
    class Balances {
      readonly start = 1;
      async opened({ accountId }: Opened, { rows, metadata }: ProjectorContext<Balance, object>) {
        await rows.create({ accountId, amount: this.start + metadata.version });
      }
      async deposited({ accountId, amount }: Deposited, { rows }: ProjectorContext<Balance, object>) {
        const row = await rows.get(accountId);
        if (row !== undefined) row.amount += amount;
      }
    }
    class Balancing {
      readonly direction = "desc";
      async richest(_query: Richest, { view }: QueryContext<Balance>) {
        return (await view.find({ orderBy: { amount: this.direction }, limit: 1 }))[0]?.accountId;
      }
    }
    const steps = { opened: on(Opened), deposited: on(Deposited) };
    decorate(build, Balances, steps, projector(Balance, { run: "inline", version: 2 }));
    decorate(build, Balancing, { richest: read(Richest) }, queryHandler(Balance));
    await domain.start();
    for (const accountId of ["1", "2"]) await domain.process(new Open({ accountId }));
    await domain.process(new Deposit({ accountId: "2", amount: 5 }));
    expect(await domain.query(new Richest({}))).toBe("2");
    expect((await domain.view(Balance).find({ orderBy: { accountId: "asc" } })).map(({ amount }) => amount)).toEqual([
      1, 6,
    ]);
  });

  test("classes that could handle nothing are refused at once", () => {
    const { commandHandler, eventHandler, handle, on, projector, queryHandler, read } = decorators(newDomain());
    const noted = (decorator: unknown) =>
      decorate(
        build,
        class {
          method() {}
        },
        { method: decorator },
      );
    const replaced = noted(on(Opened));
    replaced.prototype.method = () => undefined; // by a decorator above it
    const attempts = [
      () => build.type(class {}, commandHandler(Account)),
      () => build.type(replaced, eventHandler("Letters")),
      () => build.type(noted(on(Opened)), commandHandler(Account)),
      () => build.type(noted(apply(Opened)), eventHandler("Letters")),
      () => build.type(noted([handle(Open), on(Opened)]), projector(Balance, { run: "inline" })),
      () => build.type(noted(handle(Open)), queryHandler(Balance)),
      () => commandHandler(Balance as never),
      () => projector(undefined as never, { run: "inline" }),
      () => queryHandler(Account as never),
      () => handle(Opened as never),
      () => on(Open as never),
      () => read(Open as never),
    ];
    expect(attempts.map(codeOf)).toEqual(attempts.map(() => "DECORATOR_INVALID"));
  });

  test("the rules of the builders hold: an aggregate has to be there, and a command has one handler", async () => {
    const domain = newDomain({ elements: [] });
    const { commandHandler, handle } = decorators(domain);
    const type = commands({ handle });
    build.type(type, commandHandler(Account));
    build.type(type, commandHandler(Account));
    const { faults } = await domain.start().catch((reason) => reason);
    const codes = faults.map(({ code }: { code: string }) => code);
    expect(codes).toContain("AGGREGATE_UNREGISTERED");
    expect(codes).toContain("COMMAND_HANDLED_TWICE");
    build.type(class extends type {}, commandHandler(Account)); // it has not started: there is time to mend it
  });
});
