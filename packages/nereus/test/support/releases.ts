// Three releases of one system: version 1 and 2 of an inline projector, and one without it.
import {
  Command,
  commandHandlers,
  type Element,
  Event,
  EventSourcedAggregate,
  identifier,
  Projection,
  projector,
} from "nereus";
import { z } from "zod";

export class Opened extends Event("Opened", { id: identifier() }) {}
export class Added extends Event("Added", { id: identifier(), by: z.string(), n: z.number() }) {}
class Account extends EventSourcedAggregate("Account", { id: identifier(), n: z.number().default(0) })
  .applies(Opened, (account, { id }) => {
    account.id = id;
  })
  .applies(Added, (account, { n }) => {
    account.n += n;
  }) {}

export class Open extends Command("Open", { id: identifier() }) {}
/** @param by which call it is: the same one is never made twice */
export class Add extends Command("Add", { id: identifier(), by: z.string(), n: z.number() }) {}

const commands = commandHandlers(Account)
  .create(Open, ({ id }) => Account.create((it) => it.raise(new Opened({ id }))))
  .update(Add, (account, event) => account.raise(new Added(event)));

export class Row extends Projection("Row", { id: identifier(), n: z.number() }) {}

/** Each version counts in its own way, so that rows of one are not taken for those of another. */
function rows(version: number) {
  return projector(Row, { run: "inline", version })
    .create(Opened, ({ id }) => ({ id, n: 0 }))
    .update(
      Added,
      ({ id }) => id,
      (row, { n }) => {
        row.n += n * version;
      },
    );
}

export const releases: Readonly<Record<string, readonly Element[]>> = {
  v1: [Account, commands, Row, rows(1)],
  v2: [Account, commands, Row, rows(2)],
  none: [Account, commands],
};

export const tenants = ["a", "b"] as const;
export const accounts = 6;
