import {
  Command,
  type CommandContext,
  commandHandlers,
  Domain,
  Event,
  type EventContext,
  EventSourcedAggregate,
  EventSourcedRepository,
  identifier,
  Projection,
  type ProjectorContext,
  Query,
  type QueryContext,
} from "nereus";
import {
  Aggregate,
  apply,
  decorators,
  handle as handleOf,
  invariant,
  type Making,
  on as onOf,
  precondition,
  type Registry,
  read as readOf,
  registry,
  subscriberOf,
} from "nereus/decorators";
import { memory } from "nereus/memory";
import { deliver } from "nereus/testing";
import { z } from "zod";
import { assertType, type Equal } from "./equal.ts";

class OrderPlaced extends Event("OrderPlaced", { orderId: identifier(), total: z.number() }) {}
class OrderNoted extends Event("OrderNoted", { orderId: identifier(), note: z.string() }) {}
class PlaceOrder extends Command("PlaceOrder", { orderId: identifier(), total: z.number() }).returns<string>() {}
class NoteOrder extends Command("NoteOrder", { orderId: identifier(), note: z.string() }) {}
class OrderRow extends Projection("OrderRow", { orderId: identifier(), total: z.number() }) {}
class CountOrders extends Query("CountOrders", {}).returns<number>() {}

const domain = new Domain("shop", { elements: [], store: memory() });
const { aggregate, commandHandler, eventHandler, handle, on, projector, queryHandler, read } = decorators(domain);

const shape = { id: identifier(), total: z.number().default(0), note: z.string().optional() };

@aggregate({ eventSourced: true, raises: [OrderPlaced, OrderNoted] })
class Order extends Aggregate("Order", shape, { factEvents: true }) {
  place(total: number) {
    this.raise(new OrderPlaced({ orderId: this.id, total }));
    this.total = total; // refused when it runs
    // @ts-expect-error a field of the wrong type
    this.total = "1";
    // @ts-expect-error not an event
    this.raise({ orderId: this.id });
    // @ts-expect-error not a field
    this.colour = "red";
  }

  @apply(OrderPlaced)
  placed(event: OrderPlaced) {
    this.total = event.total;
  }

  @apply(OrderNoted)
  noted() {}

  // @ts-expect-error the method takes another event
  @apply(OrderPlaced)
  other(event: OrderNoted) {
    this.note = event.note;
  }

  // @ts-expect-error not the class of an event
  @apply(PlaceOrder)
  another() {}

  @invariant("total", "…")
  @precondition("total", "…")
  hasTotal(): boolean {
    return this.total >= 0;
  }

  // @ts-expect-error a rule answers true or false
  @invariant("total", "…")
  getTotal() {
    return this.total;
  }

  // @ts-expect-error a rule takes nothing
  @invariant("total", "…")
  exceeds(limit: number) {
    return this.total > limit;
  }
}

export const order = Order.create((it) => assertType<Equal<typeof it, Order>>());
assertType<Equal<typeof order.total, number>>();
assertType<Equal<typeof order.id, string>>();
// @ts-expect-error not a field
new Order({ colour: "red" });

@aggregate
export class Product extends Aggregate("Product", shape, { indexes: [["total"]] }) {}
new Product({ total: 1 });
// @ts-expect-error not a field
Aggregate("X", shape, { indexes: [["colour"]] });
// @ts-expect-error an unknown option
aggregate({ sourced: true });
// @ts-expect-error a class of the builder needs no decorator
aggregate({ eventSourced: true })(EventSourcedAggregate("X", shape));

@commandHandler(Order)
export class OrderCommands {
  @handle(PlaceOrder)
  async place({ orderId, total }: PlaceOrder, { repository }: CommandContext) {
    const orders = repository(Order);
    assertType<Equal<Awaited<ReturnType<typeof orders.find>>, Order | undefined>>();
    await orders.get(orderId, { atVersion: 0 });
    await orders.query({ where: { total } });
    return orderId;
  }

  @handle(NoteOrder)
  note(_command: NoteOrder) {}

  // @ts-expect-error the command returns a string
  @handle(PlaceOrder)
  count(_command: PlaceOrder) {
    return 1;
  }

  // @ts-expect-error another command
  @handle(PlaceOrder)
  other({ note }: NoteOrder) {
    return note;
  }

  // @ts-expect-error not what a command's handler gets
  @handle(NoteOrder)
  project(_command: NoteOrder, _context: ProjectorContext<OrderRow, object>) {}

  // @ts-expect-error not the class of a command
  @handle(OrderPlaced)
  placed() {}
}
commandHandlers(Order).update(NoteOrder, (it) => assertType<Equal<typeof it, Order>>());

// @ts-expect-error its constructor takes something
@commandHandler(Order)
export class WithMailer {
  constructor(readonlyMailer: { send(text: string): void }) {
    readonlyMailer.send("");
  }

  @handle(NoteOrder)
  note() {}
}
commandHandler(Order, { create: () => new WithMailer({ send: () => undefined }) })(WithMailer);
// @ts-expect-error an instance of another class
commandHandler(Order, { create: () => new OrderCommands() })(WithMailer);
// @ts-expect-error not an aggregate
commandHandler(OrderRow);

@eventHandler("Letters", { run: "inline", retries: 1 })
export class Letters {
  @on(OrderPlaced)
  async placed(_event: OrderPlaced, { repository, metadata }: EventContext) {
    await repository(Order).get(metadata.streamId);
  }

  // @ts-expect-error no handler gets this
  @on(OrderPlaced)
  other(_event: OrderPlaced, _context: { readonly mailer: string }) {}
}
// @ts-expect-error a name is needed
eventHandler();

@projector(OrderRow, { run: "inline", version: 2 })
export class OrderRows {
  @on(OrderPlaced)
  async placed({ orderId, total }: OrderPlaced, { rows, metadata }: ProjectorContext<OrderRow, { total: number }>) {
    const row = await rows.get(orderId);
    if (row !== undefined) row.total = total + metadata.version;
  }
}
// @ts-expect-error not a projection
projector(Order, { run: "inline" });
// @ts-expect-error it runs inline or async
projector(OrderRow, {});

@queryHandler(OrderRow)
export class OrderQueries {
  @read(CountOrders)
  async count(_query: CountOrders, { view }: QueryContext<OrderRow>) {
    return (await view.find({ where: { total: { gt: 0 } } })).length;
  }

  // @ts-expect-error the query returns a number
  @read(CountOrders)
  list() {
    return "";
  }
}

export class Misplaced {
  // @ts-expect-error not a method
  @apply(OrderPlaced)
  field = 1;
}

// a registry, whose classes are made by a container
class Mailer {
  send(_text: string): void {}
}
declare const container: { get<T extends object>(type: abstract new (...input: never) => T): T };
export const parts = registry({ make: (type) => container.get(type) });
assertType<Equal<typeof parts, Registry<Making<object>>>>();
export const shop = new Domain("shop", { elements: [parts], store: memory() });

@parts.commandHandler(Order)
export class MailingCommands {
  readonly mailer: Mailer;
  constructor(mailer: Mailer) {
    this.mailer = mailer;
  }

  @handleOf(NoteOrder)
  note({ note }: NoteOrder) {
    this.mailer.send(note);
  }

  // @ts-expect-error another command
  @handleOf(PlaceOrder)
  other(command: NoteOrder) {
    return command.note;
  }
}

@parts.eventHandler("MailedLetters")
export class MailedLetters {
  readonly mailer: Mailer;
  constructor(mailer: Mailer) {
    this.mailer = mailer;
  }

  @onOf(OrderPlaced)
  placed({ orderId }: OrderPlaced) {
    this.mailer.send(orderId);
  }

  // @ts-expect-error another event
  @onOf(OrderPlaced)
  other(event: OrderNoted) {
    this.mailer.send(event.note);
  }
}

@parts.queryHandler(OrderRow)
export class CountingQueries {
  @readOf(CountOrders)
  count(_query: CountOrders, { view }: QueryContext<OrderRow>) {
    return view.count();
  }
}

@parts.repository
export class OrderRepository extends EventSourcedRepository(Order) {
  async isPlaced(id: string) {
    return (await this.get(id)).total > 0;
  }
}
// @ts-expect-error not a repository
@parts.repository
export class NoRepository {}

const message = z.object({ account: z.string(), cents: z.number() });
@parts.subscriber("Gateway", { stream: "payments", message, key: ({ account }) => account })
export class Gateway {
  readonly mailer: Mailer;
  constructor(mailer: Mailer) {
    this.mailer = mailer;
  }
  async receive({ account }: z.infer<typeof message>, { send, repository }: CommandContext) {
    assertType<
      Equal<Awaited<ReturnType<ReturnType<typeof repository<typeof OrderRepository>>["isPlaced"]>>, boolean>
    >();
    await send(new NoteOrder({ orderId: account, note: "paid" }));
  }
}
// @ts-expect-error receives something else
@parts.subscriber("Other", { stream: "payments", message })
export class Other {
  receive({ colour }: { colour: string }) {
    return colour;
  }
}
// @ts-expect-error receives more than the schema makes
@parts.subscriber("More", { stream: "payments", message })
export class More {
  receive({ colour }: z.infer<typeof message> & { colour: string }) {
    return colour;
  }
}
// @ts-expect-error receives nothing
@parts.subscriber("Nothing", { stream: "payments", message })
export class Nothing {}

const gateway = subscriberOf(Gateway);
await shop.deliver(gateway, {}, { id: "m" });
await deliver(shop, gateway, { account: "1", cents: 1 });
// @ts-expect-error not such a message
await deliver(shop, gateway, { account: "1" });
// @ts-expect-error receives nothing
subscriberOf(MailedLetters);

@parts.service("Signup")
export class Signup {
  readonly mailer: Mailer;
  constructor(mailer: Mailer) {
    this.mailer = mailer;
  }
  async register({ process }: CommandContext, email: string) {
    this.mailer.send(email);
    return process(new PlaceOrder({ orderId: email, total: 1 }));
  }
  ping(): number {
    return this.#secret(1);
  }
  #secret(n: number): number {
    return n;
  }
  helper(n: number): number {
    return n;
  }
}
const signup = shop.service(Signup, { correlationId: "c" });
assertType<Equal<typeof signup.register, (email: string) => Promise<string>>>();
assertType<Equal<typeof signup.ping, () => Promise<number>>>();
// @ts-expect-error not what the use case takes
signup.register(1);
// @ts-expect-error its caller has no context to give
signup.helper(1);
// @ts-expect-error no use case
signup.mailer;

// without make, nobody makes what takes something
const { eventHandler: plainHandler, service: plainService, subscriber: plainSubscriber } = registry();
@plainHandler("Plain")
export class PlainLetters {
  @onOf(OrderPlaced)
  placed() {}
}
// @ts-expect-error its constructor takes something
@plainHandler("Needing")
export class NeedingLetters extends MailedLetters {}
// @ts-expect-error its constructor takes something
plainService("Signup")(Signup);
// @ts-expect-error its constructor takes something
plainSubscriber("Gateway", { stream: "payments", message })(Gateway);
plainService("Signup", { create: () => new Signup(new Mailer()) })(Signup);
plainSubscriber("Gateway", { stream: "payments", message, create: async () => new Gateway(new Mailer()) })(Gateway);
// @ts-expect-error an instance of another class
plainService("Signup", { create: () => new Mailer() })(Signup);
// @ts-expect-error a registry with options says how instances are made
registry({});
// @ts-expect-error not what was asked for
registry({ make: () => new Mailer() });
