import {
  applicationService,
  Command,
  commandHandlers,
  Domain,
  eventHandlers,
  identifier,
  Projection,
  projector,
  Query,
  queryHandlers,
  type Store,
  subscriber,
} from "nereus";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { Account, bank, Deposit, Deposited, Open, Withdraw } from "./support/bank.ts";
import { everyStore } from "./support/every-store.ts";
import { RecordedLog } from "./support/places.ts";

/** Where a call may hang: the calls of the store that do not answer, and the parts of the model that do not end. */
type Place =
  | "log.replay"
  | "documents.find"
  | "records.idempotency"
  | "commit"
  | "handler"
  | "nested handler"
  | "inline handler"
  | "service"
  | "subscriber";

const shut = new Set<Place>();
let gate = Promise.withResolvers<void>();

function through<T>(place: Place, work: () => Promise<T>): Promise<T> {
  return shut.has(place) ? gate.promise.then(work) : work();
}

/** A store of which some calls do not answer while their place is shut. */
function gated(inner: Store): Store {
  const { name, capabilities, weaker, log, documents, records } = inner;
  return {
    name,
    capabilities,
    ...(weaker === undefined ? {} : { weaker }),
    log: {
      head: () => log.head(),
      readLog: (filter) => log.readLog(filter),
      readStream: (...range) => log.readStream(...range),
      replay: (...range) => through("log.replay", () => log.replay(...range)),
    },
    documents: {
      get: (...ids) => documents.get(...ids),
      find: (...query) => through("documents.find", () => documents.find(...query)),
      count: (...query) => documents.count(...query),
    },
    records: {
      checkpoint: (of) => records.checkpoint(of),
      idempotency: (...key) => through("records.idempotency", () => records.idempotency(...key)),
      outbox: (...range) => records.outbox(...range),
      timers: (...range) => records.timers(...range),
      note: (of) => records.note(of),
      notes: (prefix) => records.notes(prefix),
    },
    open: (collections) => inner.open(collections),
    close: (options) => inner.close(options),
    onCommit: (listener) => inner.onCommit(listener),
    commit: (commit) => through("commit", () => inner.commit(commit)),
  };
}

class Hang extends Command("Hang", { accountId: identifier() }) {}
class Nest extends Command("Nest", { accountId: identifier() }) {}
class Row extends Projection("Row", { accountId: identifier(), sum: z.number() }) {}
class Ask extends Query("Ask", {}).returns<number>() {}

const pass = async () => undefined;
const handlers = commandHandlers(Account)
  .update(Hang, () => through("handler", pass))
  .update(Nest, (_, { accountId }, { process }) =>
    through("nested handler", () => process(new Deposit({ accountId, amount: 0 }))),
  );
const policy = eventHandlers("Policy", { run: "inline" }).on(Deposited, () => through("inline handler", pass));
const rows = projector(Row, { run: "inline" }).upsert(
  Deposited,
  ({ accountId }) => accountId,
  ({ accountId }) => ({ accountId, sum: 0 }),
  (row, { amount }) => {
    row.sum += amount;
  },
);
const asking = queryHandlers(Row).on(Ask, async (_, { view }) => (await view.find()).length);
const service = applicationService("Desk", {
  pay: ({ process }) => through("service", () => process(new Deposit({ accountId: "1", amount: 100 }))),
});
const gateway = subscriber("Gateway", { stream: "payments", message: z.object({}) }, (_, { process }) =>
  through("subscriber", () => process(new Deposit({ accountId: "1", amount: 100 }))),
);
const elements = [...bank, handlers, policy, Row, rows, asking, service, gateway];

const deposit = () => new Deposit({ accountId: "1", amount: 100 });

/** Each call by where it hangs. Certain: nothing of it is stored. */
const cases: readonly {
  where: string;
  shut: Place;
  call: (domain: Domain) => Promise<unknown>;
  isCertain?: boolean;
}[] = [
  { where: "while its aggregate is loaded", shut: "log.replay", call: (domain) => domain.process(deposit()) },
  {
    where: "while an earlier outcome of its key is looked for",
    shut: "records.idempotency",
    call: (domain) => domain.process(deposit(), { idempotencyKey: "k" }),
  },
  { where: "in its handler", shut: "handler", call: (domain) => domain.process(new Hang({ accountId: "1" })) },
  {
    where: "behind another in the line of its aggregate",
    shut: "handler",
    call: (domain) => {
      domain.process(new Hang({ accountId: "1" }), { timeout: { minutes: 1 } }).catch(() => undefined);
      return domain.process(deposit());
    },
  },
  {
    where: "in a nested handler",
    shut: "nested handler",
    call: (domain) => domain.process(new Nest({ accountId: "1" })),
  },
  { where: "in an inline handler of events", shut: "inline handler", call: (domain) => domain.process(deposit()) },
  { where: "while a query reads", shut: "documents.find", call: (domain) => domain.query(new Ask({})) },
  { where: "in a use case", shut: "service", call: (domain) => domain.service(service).pay() },
  { where: "in a subscriber", shut: "subscriber", call: (domain) => domain.deliver(gateway, {}, { id: "m" }) },
  { where: "while it is stored", shut: "commit", call: (domain) => domain.process(deposit()), isCertain: false },
  { where: "while it is sent", shut: "commit", call: (domain) => domain.send(deposit()), isCertain: false },
];

describe.each(everyStore().filter(({ missing }) => missing === undefined))(
  "a call that hangs, on $name",
  ({ open }) => {
    test.each(cases)("$where: it is answered when the time is up", async ({ shut: place, call, isCertain = true }) => {
      gate = Promise.withResolvers();
      onTestFinished(() => {
        shut.clear();
        gate.resolve();
      });
      const store = await open();
      const patient = new Domain("bank", { elements, store: store(), log: new RecordedLog() });
      await patient.start();
      onTestFinished(() => patient.stop());
      await patient.process(new Open({ accountId: "1" }));
      const hurried = new Domain("bank", {
        elements,
        store: gated(store()),
        log: new RecordedLog(),
        timeout: 200,
        cachedAggregates: 0,
      });
      await hurried.start();
      onTestFinished(() => hurried.stop());
      shut.add(place);
      const code = await call(hurried).then(
        () => "done",
        (error) => error.code as string,
      );
      expect(isCertain ? ["DEADLINE_EXCEEDED"] : ["OUTCOME_UNKNOWN", "DEADLINE_EXCEEDED"]).toContain(code);
      shut.clear();
      gate.resolve();
      const balance = await patient.process(new Withdraw({ accountId: "1", amount: 0 }));
      expect(isCertain ? [0] : [0, 100]).toContain(balance);
      await patient.process(new Deposit({ accountId: "1", amount: 7 }));
    });
  },
);
