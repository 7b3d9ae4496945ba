import { Aggregate, Command, commandHandlers, Entity, hasMany, identifier } from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { places } from "../support/places.ts";
import { script } from "../support/scripts.ts";

class Line extends Entity("Line", { sku: z.string(), quantity: z.number().int() }, { identifiedBy: "sku" }) {}
class Basket extends Aggregate("Basket", { basketId: identifier(), lines: hasMany(Line) }) {}
class Fill extends Command("Fill", { basketId: identifier(), count: z.number() }).returns<string>() {}
const commands = commandHandlers(Basket).create(
  Fill,
  ({ basketId, count }) =>
    new Basket({ basketId, lines: Array.from({ length: count }, (_, n) => ({ sku: `sku-${n}`, quantity: n })) }),
);

describe.each(places())("on $name", (kind) => {
  test("B16: hasMany holds and reloads more than 100 entities, however it is read", async () => {
    const place = kind.open();
    const look = script(Basket, async ({ repository }) => {
      const { lines } = await repository(Basket).get("1");
      return {
        size: lines.size,
        iterated: [...lines].length,
        filtered: lines.filter((line) => line.quantity >= 0).length,
        json: lines.toJSON().length,
        last: lines.get("sku-1499").quantity,
      };
    });
    const domain = await place.start([Basket, commands, look.handlers]);
    await domain.process(new Fill({ basketId: "1", count: 1500 }));
    expect(await domain.process(look.command())).toEqual({
      size: 1500,
      iterated: 1500,
      filtered: 1500,
      json: 1500,
      last: 1499,
    });
  });
});
