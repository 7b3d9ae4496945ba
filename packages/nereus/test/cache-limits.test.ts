import {
  Command,
  commandHandlers,
  type Domain,
  Domain as DomainClass,
  Event,
  EventSourcedAggregate,
  identifier,
} from "nereus";
import { memory } from "nereus/memory";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { type CountingStore, counting } from "./support/counting-store.ts";

class Written extends Event("Written", { noteId: identifier(), text: z.string() }) {}
class Note extends EventSourcedAggregate("Note", {
  noteId: identifier(),
  text: z.string().default(""),
  times: z.number().default(0),
}).applies(Written, (note, event) => {
  note.noteId = event.noteId;
  note.text = event.text;
  note.times += 1;
}) {}
class Start extends Command("Start", { noteId: identifier(), text: z.string() }) {}
class Write extends Command("Write", { noteId: identifier(), text: z.string() }) {}
const notes = commandHandlers(Note)
  .create(Start, (command) => Note.create((note) => note.raise(new Written({ ...command }))))
  .update(Write, (note, command) => note.raise(new Written({ ...command })));

async function started(options: { cachedCharacters?: number; cachedAggregates?: number }) {
  const store = counting(memory());
  const domain = new DomainClass("notes", { elements: [Note, notes], store, ...options });
  await domain.start();
  onTestFinished(() => domain.stop());
  return { domain, store };
}

/** Which of the notes are read from the store, because they are not kept. */
async function notKept(domain: Domain, store: CountingStore, ids: readonly string[]): Promise<string[]> {
  const read: string[] = [];
  for (const noteId of ids) {
    store.calls.clear();
    await domain.process(new Write({ noteId, text: "x" }));
    if ((store.calls.get("log.replay") ?? 0) > 0) read.push(noteId);
  }
  return read;
}

const ids = Array.from({ length: 20 }, (_, n) => `n${n}`);

describe("aggregates that are kept between commands", () => {
  test("are bounded by size: of large ones only the last are kept", async () => {
    const { domain, store } = await started({ cachedCharacters: 500_000 });
    for (const noteId of ids) await domain.process(new Start({ noteId, text: "x".repeat(100_000) }));
    expect(await notKept(domain, store, ["n19", "n18", "n17"])).toEqual([]);
    expect(await notKept(domain, store, ["n3", "n2", "n1"])).toEqual(["n3", "n2", "n1"]);
  });

  test("that are small are bounded by number only", async () => {
    const { domain, store } = await started({ cachedCharacters: 500_000 });
    for (const noteId of ids) await domain.process(new Start({ noteId, text: "x" }));
    expect(await notKept(domain, store, ids)).toEqual([]);
  });

  test("that grow while they are kept are measured again; those whose events come to much but whose state stays small are kept", async () => {
    const { domain, store } = await started({ cachedCharacters: 500_000 });
    for (const noteId of ids) await domain.process(new Start({ noteId, text: "x" }));
    for (let n = 0; n < 100; n++) await domain.process(new Write({ noteId: "n0", text: "x".repeat(10_000) }));
    expect(await notKept(domain, store, ids)).toEqual([]); // a million characters were written, ten thousand are held
    for (const noteId of ids.slice(0, 10)) await domain.process(new Write({ noteId, text: "x".repeat(200_000) }));
    expect(await notKept(domain, store, ["n0", "n1"])).toEqual(["n0", "n1"]);
  });

  test("that are larger than all that may be kept are not kept", async () => {
    const { domain, store } = await started({ cachedCharacters: 1000 });
    await domain.process(new Start({ noteId: "n0", text: "x".repeat(2000) }));
    expect(await notKept(domain, store, ["n0"])).toEqual(["n0"]);
  });

  test("a size that is none is refused", () => {
    for (const cachedCharacters of [-1, 1.5, "5"]) {
      const make = () =>
        new DomainClass("notes", {
          elements: [Note, notes],
          store: memory(),
          cachedCharacters: cachedCharacters as number,
        });
      expect(make).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
    }
  });
});
