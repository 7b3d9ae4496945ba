// Ticks of clocks, counted by an async and an inline projection: the model of the tests that kill a process.
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
import { z } from "zod";

export class Ticked extends Event("Ticked", { clockId: identifier() }) {}
export class Clock extends EventSourcedAggregate("Clock", {
  clockId: identifier(),
  ticks: z.number().default(0),
}).applies(Ticked, (clock, event) => {
  clock.clockId = event.clockId;
  clock.ticks += 1;
}) {}
/** The same count, kept as state. */
export class Tally extends Aggregate("Tally", { tallyId: identifier(), ticks: z.number() }) {}

export class Tick extends Command("Tick", { clockId: identifier() }) {}
const commands = commandHandlers(Clock).on(Tick, async ({ clockId }, { repository }) => {
  const clock = (await repository(Clock).find(clockId)) ?? Clock.create(() => undefined);
  clock.raise(new Ticked({ clockId }));
  await repository(Clock).add(clock);
  const tally = (await repository(Tally).find(clockId)) ?? new Tally({ tallyId: clockId, ticks: 0 });
  tally.ticks += 1;
  await repository(Tally).add(tally);
});

export class Later extends Projection("Later", { clockId: identifier(), ticks: z.number() }) {}
export class AtOnce extends Projection("AtOnce", { clockId: identifier(), ticks: z.number() }) {}
const blank = ({ clockId }: Ticked) => ({ clockId, ticks: 0 });
const count = (row: { ticks: number }) => {
  row.ticks += 1;
};
const later = projector(Later, { run: "async" }).upsert(Ticked, (event) => event.clockId, blank, count);
const atOnce = projector(AtOnce, { run: "inline" }).upsert(Ticked, (event) => event.clockId, blank, count);

export const elements = [Clock, Tally, commands, Later, AtOnce, later, atOnce];
