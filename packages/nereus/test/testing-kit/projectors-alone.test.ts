import { AssertionError } from "node:assert";
import { Event, type EventMetadata, identifier, Projection, projector } from "nereus";
import { given, seed } from "nereus/testing";
import { expect, test } from "vitest";
import { z } from "zod";
import { Closed, Deposited, Opened, Withdrawn } from "../support/bank.ts";

class Row extends Projection("Row", { accountId: identifier(), balance: z.bigint(), seen: z.date().optional() }) {}
const seen: EventMetadata[] = [];
const rows = projector(Row, { run: "async" })
  .create(Opened, ({ accountId }, metadata) => {
    seen.push(metadata);
    return { accountId, balance: 0n };
  })
  .update(
    Deposited,
    ({ accountId }) => accountId,
    (row, { amount }, metadata) => {
      row.balance += BigInt(amount);
      row.seen = metadata.occurredAt;
      seen.push(metadata);
    },
  )
  .on(Withdrawn, async ({ accountId, amount }, { rows: all }) => {
    const row = await all.get(accountId);
    if (row !== undefined) row.balance -= BigInt(amount);
    else await all.create({ accountId, balance: BigInt(-amount) });
  })
  .remove(Closed, ({ accountId }) => accountId);

const opened = (accountId = "1") => new Opened({ accountId, holder: "Ada" });
const deposited = (amount: number, accountId = "1") => new Deposited({ accountId, amount });

test("a projector is tested by its rows, without a store and a domain", async () => {
  await given(rows, opened(), deposited(5))
    .thenRow("1", { balance: 5n })
    .when(new Withdrawn({ accountId: "1", amount: 2 }))
    .thenRow("1", { balance: 3n })
    .when(new Withdrawn({ accountId: "2", amount: 2 }))
    .thenRows([{ accountId: "1" }, { accountId: "2", balance: -2n }])
    .when(new Closed({ accountId: "1" }))
    .thenNoRow("1")
    .thenRows([{ accountId: "2" }]);
  await given(rows).thenRows([]);
});

test("expectations that do not hold fail", async () => {
  const two = given(rows, opened(), deposited(5));
  await expect(two.thenRow("1", { balance: 6n })).rejects.toThrow(
    "Row 1 of Row is not as expected\n  balance: expected 6n, but it is 5n",
  );
  await expect(two.thenRow("2", {})).rejects.toThrow("Row has no row '2'; it has '1'");
  await expect(two.thenNoRow("1")).rejects.toBeInstanceOf(AssertionError);
  await expect(two.thenRows([])).rejects.toBeInstanceOf(AssertionError);
  await expect(given(rows).thenRow("2", {})).rejects.toThrow("it has none at all");
});

test("a projector that fails, fails the scenario, unless it is expected", async () => {
  await given(rows).when(deposited(1)).thenRejected("PROJECTION_ROW_MISSING").when(opened()).thenRow("1", {});
  await expect(given(rows).when(deposited(1))).rejects.toMatchObject({ code: "PROJECTION_ROW_MISSING" });
  await expect(given(rows, deposited(1)).thenRows([])).rejects.toMatchObject({ code: "PROJECTION_ROW_MISSING" });
  await expect(given(rows).when(opened()).thenRejected("PROJECTION_ROW_MISSING")).rejects.toBeInstanceOf(
    AssertionError,
  );
});

test("events have the metadata that can be known: version by identity, time, tenant", async () => {
  seen.length = 0;
  const occurredAt = new Date("2025-06-01");
  await given(rows, opened(), opened("2"), deposited(1), seed({ tenant: "a", occurredAt }, opened(), deposited(1)))
    .thenRow("1", { seen: occurredAt }, { tenant: "a" })
    .thenRows([{}, {}])
    .thenRows([{}], { tenant: "a" });
  expect(seen.map(({ streamId, version, tenant }) => [streamId, version, tenant])).toEqual([
    ["1", 0, ""],
    ["2", 0, ""],
    ["1", 1, ""],
    ["1", 0, "a"],
    ["1", 1, "a"],
  ]);
});

test("rows are kept as they are stored, so that what cannot be stored fails", async () => {
  class Flat extends Projection("Flat", { accountId: identifier(), balance: z.number().int() }) {}
  const halves = projector(Flat, { run: "async" })
    .create(Opened, ({ accountId }) => ({ accountId, balance: 0 }))
    .update(
      Deposited,
      ({ accountId }) => accountId,
      (row) => {
        row.balance = 0.5;
      },
    );
  await given(halves, opened()).when(deposited(1)).thenRejected("VALIDATION_FAILED");
});

test("events that it has no step for pass by", async () => {
  class Other extends Event("Other", { otherId: identifier() }) {}
  await given(rows, new Other({ otherId: "o" }))
    .when(new Other({ otherId: "o" }))
    .thenRows([]);
});
