import {
  Aggregate,
  Command,
  commandHandlers,
  Domain,
  Entity,
  Event,
  EventSourcedAggregate,
  hasMany,
  identifier,
  refuse,
  ValidationError,
} from "nereus";
import { memory } from "nereus/memory";
import { given } from "nereus/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { httpStatusOf } from "../src/http/status.ts";
import { everyStore } from "./support/every-store.ts";
import { RecordedLog } from "./support/places.ts";
import { refusalOf } from "./support/refusal.ts";

class TicketSold extends Event("TicketSold", { showId: identifier(), seat: z.number().int() }) {}
class Show extends EventSourcedAggregate("Show", {
  showId: identifier(),
  opensAt: z.date().optional(),
  sold: z.array(z.number()).default([]),
}).applies(TicketSold, (show, event) => {
  show.showId = event.showId;
  show.sold.push(event.seat);
}) {
  sell(seat: number) {
    if (this.sold.includes(seat)) this.refuse("taken", `Seat ${seat} is sold already`, "seat");
    this.raise(new TicketSold({ showId: this.showId, seat }));
  }

  opening(): string {
    const { opensAt } = this;
    if (opensAt === undefined) this.refuse("unopened", "Nobody knows yet when it opens");
    return opensAt.toISOString(); // narrowed: refuse never returns
  }
}

class SellTicket extends Command("SellTicket", { showId: identifier(), seat: z.number().int() }) {}
class AddShow extends Command("AddShow", { showId: identifier() }) {}
const showCommands = commandHandlers(Show)
  .create(AddShow, ({ showId }) => Show.create((show) => show.raise(new TicketSold({ showId, seat: 0 }))))
  .update(SellTicket, (show, { seat }) => {
    if (seat > 100) refuse("unknownSeat", "There are 100 seats", "seat");
    show.sell(seat);
  });

class Line extends Entity("Line", { lineId: identifier(), quantity: z.number() }) {
  take(quantity: number) {
    this.quantity -= quantity;
    if (this.quantity < 0) this.refuse("short", "There is not enough", "quantity");
  }
}
class Order extends Aggregate("Order", { orderId: identifier(), taken: z.number().default(0), lines: hasMany(Line) }) {
  take(quantity: number) {
    this.change(() => {
      this.taken += quantity;
      for (const line of this.lines) line.take(quantity);
    });
  }
}

const elements = [Show, showCommands];

test("an aggregate that refuses gives the code, the message and the field, and keeps its state", () => {
  const show = Show.create((it) => it.raise(new TicketSold({ showId: "1", seat: 4 })));
  const error = refusalOf(() => show.sell(4));
  expect(error).toBeInstanceOf(ValidationError);
  expect(error).toMatchObject({
    code: "REFUSED",
    element: "Show",
    identity: "1",
    message: "Show 1: seat: Seat 4 is sold already",
    issues: [{ path: ["seat"], code: "taken", message: "Seat 4 is sold already" }],
  });
  expect(refusalOf(() => show.opening())).toMatchObject({ issues: [{ path: [], code: "unopened" }] });
  expect(show.pendingEvents.length).toBe(1);
});

test("an entity that refuses takes the whole change back", () => {
  const order = new Order({
    orderId: "1",
    lines: [
      { lineId: "a", quantity: 5 },
      { lineId: "b", quantity: 1 },
    ],
  });
  expect(refusalOf(() => order.take(2))).toMatchObject({
    code: "REFUSED",
    element: "Line",
    identity: "b",
    issues: [{ path: ["quantity"], code: "short" }],
  });
  expect(order.toJSON()).toMatchObject({ taken: 0, lines: [{ quantity: 5 }, { quantity: 1 }] });
});

test("a handler refuses by the function, without an element", () => {
  const error = refusalOf(() => refuse("closed", "It is closed"));
  expect(error).toMatchObject({ code: "REFUSED", element: undefined, message: "It is closed" });
  expect(httpStatusOf(error.code)).toBe(422);
});

test("thenRejected takes the code and the message of a refusal", async () => {
  const store = () => new Domain("shows", { elements, store: memory() });
  const sold = new TicketSold({ showId: "1", seat: 4 });
  for (const said of ["taken", "Seat 4 is sold already", "REFUSED"]) {
    await given(store(), sold)
      .when(new SellTicket({ showId: "1", seat: 4 }))
      .thenRejected(said);
  }
  await given(store(), sold)
    .when(new SellTicket({ showId: "1", seat: 101 }))
    .thenRejected("unknownSeat");
  await given(Show, sold)
    .when((show) => show.sell(4))
    .thenRejected("taken");
});

test("a field cannot be named refuse", () => {
  const bad = {
    sourced: EventSourcedAggregate("Bad", { id: identifier(), refuse: z.string() } as never),
    stored: Aggregate("Worse", { id: identifier(), refuse: z.string() } as never),
  };
  const domain = new Domain("bad", { elements: [bad.sourced, bad.stored] as never, store: memory() });
  const faults = domain.check().filter(({ code }) => code === "FIELD_NAME_RESERVED");
  expect(faults.map(({ element }) => element).sort()).toEqual(["Bad", "Worse"]);
  expect(() => new (Entity("Part", { id: identifier(), refuse: z.string() } as never))({} as never)).toThrow(
    expect.objectContaining({ code: "FIELD_NAME_RESERVED" }),
  );
});

describe.each(everyStore())("on $name", (kind) => {
  test.skipIf(kind.missing !== undefined)(
    "a sent command that is refused is not tried again, and stores nothing",
    async () => {
      const store = (await kind.open())();
      const domain = new Domain("shows", { elements, store, log: new RecordedLog() });
      await domain.start();
      onTestFinished(() => domain.stop());
      await domain.process(new AddShow({ showId: "1" }));
      await domain.process(new SellTicket({ showId: "1", seat: 1 }));
      await domain.send(new SellTicket({ showId: "1", seat: 1 }));
      await domain.send(new SellTicket({ showId: "1", seat: 101 }));
      const failure = (await domain.settle().catch((error: unknown) => error)) as { cause: AggregateError };
      expect(failure.cause.errors.map(({ cause }) => cause.issues[0].code).sort()).toEqual(["taken", "unknownSeat"]);
      await domain.settle();
      const refused = domain.process(new SellTicket({ showId: "1", seat: 1 }));
      await expect(refused).rejects.toMatchObject({ code: "REFUSED" });
      expect(
        (await store.log.readStream({ tenant: "", kind: "event", category: "Show", id: "1" }, { limit: 10 })).length,
      ).toBe(2);
    },
  );
});
