import { Command, commandHandlers, Domain, Event, EventSourcedAggregate, identifier } from "nereus";
import { memory } from "nereus/memory";
import { expect, test } from "vitest";
import { z } from "zod";
import { RecordedLog } from "./support/places.ts";
import { watchingLog } from "./support/watched-log.ts";

class Written extends Event("Written", { noteId: identifier(), text: z.string() }) {}
class Note extends EventSourcedAggregate(
  "Note",
  { noteId: identifier(), text: z.string().default("") },
  { snapshotEvery: 1 },
).applies(Written, (note, event) => {
  note.noteId = event.noteId;
  note.text = event.text;
}) {}
class Write extends Command("Write", { noteId: identifier(), text: z.string() }) {}
const notes = commandHandlers(Note).create(Write, (command) =>
  Note.create((note) => note.raise(new Written({ ...command }))),
);

test("snapshots that wait for a slow store are bounded by size: those beyond are left out, and no command waits for them", async () => {
  const gate = Promise.withResolvers<void>();
  let written = 0;
  const { store } = watchingLog(memory(), async ({ appends = [] }) => {
    if (appends[0]?.stream.kind !== "snapshot") return;
    written += 1;
    await gate.promise;
  });
  const domain = new Domain("notes", { elements: [Note, notes], store, log: new RecordedLog(), cachedAggregates: 0 });
  await domain.start();
  const text = "x".repeat(1_000_000);
  for (let n = 0; n < 60; n++) await domain.process(new Write({ noteId: `${n}`, text }));
  gate.resolve();
  await domain.settle();
  await domain.stop();
  expect(written).toBeGreaterThan(20);
  expect(written).toBeLessThan(40); // all are 60 million characters
});
