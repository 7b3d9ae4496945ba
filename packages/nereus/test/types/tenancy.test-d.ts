import {
  applicationService,
  Command,
  type CommandContext,
  commandHandlers,
  Domain,
  type DomainOptions,
  Event,
  EventSourcedAggregate,
  identifier,
  Projection,
  projector,
  Query,
  queryHandlers,
  subscriber,
  type Tenancy,
} from "nereus";
import { decorators } from "nereus/decorators";
import { memory } from "nereus/memory";
import { deliver, given, seed } from "nereus/testing";
import { z } from "zod";
import { assertType, type Equal } from "./equal.ts";

class Opened extends Event("Opened", { accountId: identifier() }) {}
class Account extends EventSourcedAggregate("Account", { accountId: identifier() }).applies(Opened, () => undefined) {}
class Open extends Command("Open", { accountId: identifier() }).returns<string>() {}
const commands = commandHandlers(Account).create(Open, () => Account.create(() => undefined));
class Row extends Projection("Row", { accountId: identifier() }) {}
const rows = projector(Row, { run: "async" }).create(Opened, ({ accountId }) => ({ accountId }));
class Count extends Query("Count", {}).returns<number>() {}
const queries = queryHandlers(Row).on(Count, (_, { view }) => view.count());
const gateway = subscriber("Gateway", { stream: "payments", message: z.object({ account: z.string() }) }, () => 1);
const signup = applicationService("Signup", {
  async register({ process }: CommandContext, accountId: string) {
    // a handler's own calls are of the tenant of its message
    return process(new Open({ accountId }));
  },
});
const elements = [Account, commands, Row, rows, queries, gateway, signup];

const open = new Open({ accountId: "1" });
const opened = new Opened({ accountId: "1" });
const tenant = "north";

// what is required
const bank = new Domain("bank", { tenancy: "required", elements, store: memory() });
assertType<Equal<typeof bank, Domain<"required">>>();
const id = await bank.process(open, { tenant, idempotencyKey: "k" });
assertType<Equal<typeof id, string>>();
await bank.send(open, { tenant, at: new Date() });
await bank.receipt(Open, "1", { tenant });
const register = bank.service(signup, { tenant, correlationId: "c" }).register;
assertType<Equal<typeof register, (accountId: string) => Promise<string>>>();
await bank.deliver(gateway, {}, { id: "m", tenant });
const count = await bank.query(new Count({}), { tenant });
assertType<Equal<typeof count, number>>();
const found = await bank.view(Row, { tenant }).find();
assertType<Equal<typeof found, Row[]>>();
await bank.settle();

// @ts-expect-error of which tenant?
await bank.process(open);
// @ts-expect-error of which tenant?
await bank.process(open, {});
// @ts-expect-error of which tenant?
await bank.process(open, { idempotencyKey: "k" });
// @ts-expect-error perhaps of none
await bank.process(open, { tenant: undefined });
declare const header: string | undefined;
// @ts-expect-error perhaps of none
await bank.process(open, { tenant: header });
// @ts-expect-error not an option
await bank.process(open, { tenant, colour: "red" });
// @ts-expect-error of which tenant?
await bank.send(open);
// @ts-expect-error of which tenant?
await bank.send(open, { at: new Date() });
// @ts-expect-error of which tenant?
await bank.receipt(Open, "1");
// @ts-expect-error of which tenant?
await bank.receipt(Open, "1", {});
// @ts-expect-error of which tenant?
bank.service(signup);
// @ts-expect-error of which tenant?
bank.service(signup, { correlationId: "c" });
// @ts-expect-error of which tenant?
await bank.deliver(gateway, {}, { id: "m" });
// @ts-expect-error of which message?
await bank.deliver(gateway, {}, { tenant });
// @ts-expect-error of which tenant?
await bank.query(new Count({}));
// @ts-expect-error of which tenant?
await bank.query(new Count({}), {});
// @ts-expect-error of which tenant?
bank.view(Row);
// @ts-expect-error of which tenant?
bank.view(Row, {});

// the kit for tests
await given(bank, opened, seed({ tenant: "south" }, opened))
  .when(open, { tenant })
  .thenRow(Row, "1", { accountId: "1" })
  .when(opened, { tenant })
  .when(new Count({}), { tenant })
  .thenResult(1)
  .when((it) => it.service(signup, { tenant }).register("2"), { tenant });
await given(bank, opened).thenRow(Row, "1", { accountId: "1" }, { tenant });
await deliver(bank, gateway, { account: "1" }, { tenant });
// @ts-expect-error of which tenant?
given(bank).when(open);
// @ts-expect-error of which tenant?
given(bank).when(open, {});
// @ts-expect-error of which tenant?
given(bank).when(open, { idempotencyKey: "k" });
// @ts-expect-error of which tenant?
given(bank).when(opened);
// @ts-expect-error of which tenant?
given(bank).when(new Count({}));
// @ts-expect-error of which tenant?
given(bank).when(() => 1);
// @ts-expect-error of which tenant, inside?
given(bank).when((it) => it.process(open), { tenant });
// @ts-expect-error of which tenant?
given(bank).when(open, { tenant }).when(open);
// @ts-expect-error of which tenant?
given(bank).thenRow(Row, "1", { accountId: "1" });
// @ts-expect-error of which tenant?
given(bank).thenNoRow(Row, "1");
// @ts-expect-error of which tenant?
given(bank).thenRows(Row, []);
// @ts-expect-error of which tenant?
deliver(bank, gateway, { account: "1" });
// @ts-expect-error of which tenant?
deliver(bank, gateway, { account: "1" }, { id: "m" });

// one is not the other: what takes a domain without required tenants would forget them
const plain = new Domain("bank", { elements, store: memory() });
assertType<Equal<typeof plain, Domain>>();
assertType<Equal<typeof plain, Domain<"optional">>>();
const opening = (domain: Domain) => domain.process(open);
await opening(plain);
// @ts-expect-error its calls do not say of which tenant they are
await opening(bank);
// @ts-expect-error nobody has said that it requires tenants
const other: Domain<"required"> = plain;
await other.process(open, { tenant });
decorators(bank);
decorators(plain);

// whatever is decided later: as if it were required
const options: DomainOptions<Tenancy> = { elements, store: memory() };
const either = new Domain("bank", options);
await either.process(open, { tenant });
// @ts-expect-error of which tenant?
await either.process(open);
// @ts-expect-error not a tenancy
new Domain("bank", { tenancy: "yes", elements, store: memory() });

// without it, all is as it was
await plain.process(open);
await plain.process(open, { tenant: header });
await plain.send(open);
await plain.receipt(Open, "1");
plain.service(signup);
await plain.deliver(gateway, {}, { id: "m" });
await plain.query(new Count({}));
plain.view(Row);
await given(plain, opened)
  .when(open)
  .when(opened)
  .when((it) => it.process(open))
  .thenRow(Row, "1", { accountId: "1" });
await given(plain).thenRows(Row, []);
await deliver(plain, gateway, { account: "1" });
