import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Domain, type DomainOptions, type Element, type Log, type Store } from "nereus";
import { memory } from "nereus/memory";
import { sqlite } from "nereus/sqlite";
import { afterAll, onTestFinished } from "vitest";
import { missingPostgres } from "./postgres.ts";
import { PostgresSchemas } from "./postgres-schemas.ts";

/** Where a test keeps its data: `store()` gives, time and again, a store of the same data, as another process has it. */
export interface Place {
  store(): Store;
  /** A store of the same data, open until the test ends, to look at what is stored. */
  opened(): Promise<Store>;
  /** A started domain of these elements over the data, with a cache of its own; stopped when the test ends. */
  start(elements: readonly Element[], options?: Partial<DomainOptions>): Promise<Domain>;
  /** The database file of SQLite; empty elsewhere. */
  readonly path: string;
}

export interface PlaceKind {
  readonly name: string;
  open(): Place;
}

/** Keeps what a domain reports, so that a test can look at it and its output stays clean. */
export class RecordedLog implements Log {
  readonly warnings: { message: string; details: unknown }[] = [];
  readonly errors: { message: string; details: unknown }[] = [];
  warn(message: string, details?: unknown): void {
    this.warnings.push({ message, details });
  }
  error(message: string, details?: unknown): void {
    this.errors.push({ message, details });
  }
}

function place(store: () => Store, path: string): Place {
  return {
    store,
    path,
    async opened() {
      const opened = store();
      await opened.open([]);
      onTestFinished(() => opened.close());
      return opened;
    },
    async start(elements, options = {}) {
      const domain = new Domain("test", { elements, store: store(), log: new RecordedLog(), ...options });
      await domain.start();
      onTestFinished(() => domain.stop());
      return domain;
    },
  };
}

/** A new folder that is gone when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "nereus-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Memory, for what is the same on every store. */
export function inMemory(): Place {
  const store = memory();
  return place(() => store, "");
}

/** Every store that the framework brings and that is to be had here, for `describe.each`. To be called while tests are collected. */
export function places(): readonly PlaceKind[] {
  const kinds: PlaceKind[] = [
    { name: "memory", open: inMemory },
    {
      name: "sqlite",
      open() {
        const path = join(temporaryFolder(), "test.db");
        return place(() => sqlite(path, { synchronous: "NORMAL" }), path);
      },
    },
  ];
  if (missingPostgres === undefined) kinds.push(inPostgres());
  return kinds;
}

function inPostgres(): PlaceKind {
  const schemas = new PostgresSchemas();
  afterAll(() => schemas.drop());
  return {
    name: "postgres",
    open() {
      const schema = schemas.take();
      onTestFinished(() => schemas.giveBack(schema));
      return place(() => {
        const store = schemas.storeIn(schema);
        // A test that starts many leaves them to the garbage collector, which gives no connection back.
        onTestFinished(() => store.close());
        return store;
      }, "");
    },
  };
}
