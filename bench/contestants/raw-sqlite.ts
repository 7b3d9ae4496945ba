/** node:sqlite and nothing else: the limit. Grouped shares one commit among the appends that wait at the same time. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Appender, CatchUp, CommandRunner, Contestant, Hydrator, Place } from "../contestant.ts";
import { historyOf } from "../history.ts";
import {
  checkAddItem,
  checkPlaceOrder,
  decideAddItem,
  decidePlaceOrder,
  evolve,
  newOrder,
  type OrderEvent,
  type OrderState,
  type OrderSummary,
} from "../order.ts";

const schema = `
  CREATE TABLE IF NOT EXISTS events (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL, stream TEXT NOT NULL, version INTEGER NOT NULL,
    type TEXT NOT NULL, data TEXT NOT NULL, UNIQUE (stream, version));
  CREATE TABLE IF NOT EXISTS summaries (
    order_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, items INTEGER NOT NULL, total INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS checkpoints (name TEXT PRIMARY KEY, position INTEGER NOT NULL);`;

class RawStore {
  readonly database: DatabaseSync;
  readonly #file: string;
  readonly #version: StatementSync;
  readonly #insert: StatementSync;
  readonly #read: StatementSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;

  constructor(place: Place) {
    this.#file = join(place.directory, "raw.db");
    this.database = new DatabaseSync(this.#file);
    this.database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    this.database.exec(schema);
    this.#version = this.database.prepare("SELECT max(version) AS version FROM events WHERE stream = ?");
    this.#insert = this.database.prepare("INSERT INTO events (id, stream, version, type, data) VALUES (?, ?, ?, ?, ?)");
    this.#read = this.database.prepare("SELECT type, data FROM events WHERE stream = ? ORDER BY version");
    this.#begin = this.database.prepare("BEGIN IMMEDIATE");
    this.#commit = this.database.prepare("COMMIT");
  }

  transaction(work: () => void): void {
    this.#begin.run();
    try {
      work();
      this.#commit.run();
    } catch (error) {
      this.database.exec("ROLLBACK");
      throw error;
    }
  }

  /** Inside a transaction. `expected` is the number of events the stream must hold. */
  append(stream: string, expected: number, event: OrderEvent): void {
    const { version } = this.#version.get(stream) as { version: number | null };
    if ((version ?? -1) + 1 !== expected) throw new Error(`conflict on ${stream}`);
    this.write(stream, expected, event);
  }

  write(stream: string, version: number, event: OrderEvent): void {
    this.#insert.run(randomUUID(), stream, version, event.type, JSON.stringify(event.data));
  }

  load(stream: string): { state: OrderState; version: number } {
    const state = newOrder();
    const rows = this.#read.all(stream) as { type: string; data: string }[];
    for (const { type, data } of rows) evolve(state, { type, data: JSON.parse(data) } as OrderEvent);
    return { state, version: rows.length };
  }

  async stored(): Promise<number> {
    const other = new DatabaseSync(this.#file);
    const { stored } = other.prepare("SELECT count(*) AS stored FROM events").get() as { stored: number };
    other.close();
    return stored;
  }

  async close(): Promise<void> {
    this.database.close();
  }
}

function oneByOne(store: RawStore): Appender {
  return {
    append: async (orderId, event) => store.transaction(() => store.append(orderId, 0, event)),
    stored: () => store.stored(),
    close: () => store.close(),
  };
}

type Waiting = { orderId: string; event: OrderEvent; resolve: () => void; reject: (error: unknown) => void };

function grouped(store: RawStore): Appender {
  let queue: Waiting[] = [];
  const flush = (): void => {
    const group = queue;
    queue = [];
    try {
      store.transaction(() => {
        for (const { orderId, event } of group) store.append(orderId, 0, event);
      });
      for (const { resolve } of group) resolve();
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  };
  return {
    append: (orderId, event) =>
      new Promise<void>((resolve, reject) => {
        queue.push({ orderId, event, resolve, reject });
        if (queue.length === 1) setImmediate(flush);
      }),
    stored: () => store.stored(),
    close: () => store.close(),
  };
}

/** Load, decide and append in one transaction, one command after another. */
function commandRunner(store: RawStore): CommandRunner {
  const run = (orderId: string, decide: (state: OrderState) => OrderEvent): void =>
    store.transaction(() => {
      const { state, version } = store.load(orderId);
      store.write(orderId, version, decide(state));
    });
  return {
    async place(command) {
      checkPlaceOrder(command);
      run(command.orderId, (state) => decidePlaceOrder(state, command));
    },
    async addItem(command) {
      checkAddItem(command);
      run(command.orderId, (state) => decideAddItem(state, command));
    },
    stored: () => store.stored(),
    close: () => store.close(),
  };
}

function hydrator(store: RawStore): Hydrator {
  return { load: async (orderId) => store.load(orderId).state, close: () => store.close() };
}

const pageSize = 1_000;
type LogRow = { position: number; type: string; data: string };

/** Pages of a thousand events; each row is read once and written once a page, in one transaction with the checkpoint. */
class RawProjection implements CatchUp {
  readonly #store: RawStore;
  readonly #page: StatementSync;
  readonly #find: StatementSync;
  readonly #save: StatementSync;
  readonly #checkpoint: StatementSync;

  constructor(store: RawStore) {
    const database = store.database;
    this.#store = store;
    this.#page = database.prepare(
      "SELECT position, type, data FROM events WHERE position > ? ORDER BY position LIMIT ?",
    );
    this.#find = database.prepare(
      'SELECT order_id AS "orderId", customer_id AS "customerId", items, total FROM summaries WHERE order_id = ?',
    );
    this.#save = database.prepare(
      "INSERT OR REPLACE INTO summaries (order_id, customer_id, items, total) VALUES (?, ?, ?, ?)",
    );
    this.#checkpoint = database.prepare("INSERT OR REPLACE INTO checkpoints (name, position) VALUES ('summaries', ?)");
  }

  async run(deadline: number): Promise<number> {
    let [applied, position] = [0, 0];
    while (performance.now() < deadline) {
      const page = this.#page.all(position, pageSize) as LogRow[];
      const last = page.at(-1);
      if (!last) break;
      this.#store.transaction(() => this.#apply(page, last.position));
      position = last.position;
      applied += page.length;
      await new Promise(setImmediate);
    }
    return applied;
  }

  #apply(page: LogRow[], position: number): void {
    const rows = new Map<string, OrderSummary>();
    for (const { type, data } of page) {
      const event = { type, data: JSON.parse(data) } as OrderEvent;
      const { orderId } = event.data;
      let row = rows.get(orderId);
      if (!row) {
        row = (this.#find.get(orderId) as OrderSummary | undefined) ?? newOrder();
        rows.set(orderId, row);
      }
      evolve(row, event);
    }
    for (const row of rows.values()) this.#save.run(row.orderId, row.customerId, row.items, row.total);
    this.#checkpoint.run(position);
  }

  async rows(): Promise<OrderSummary[]> {
    const select = 'SELECT order_id AS "orderId", customer_id AS "customerId", items, total FROM summaries';
    return this.#store.database.prepare(select).all() as OrderSummary[];
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

async function durability(place: Place): Promise<string> {
  const { database } = new RawStore(place);
  const journal = database.prepare("PRAGMA journal_mode").get() as { journal_mode: string };
  const { synchronous } = database.prepare("PRAGMA synchronous").get() as { synchronous: number };
  database.close();
  return `journal_mode=${journal.journal_mode}, synchronous=${synchronousNames[synchronous]} (read back)`;
}

const synchronousNames = ["OFF", "NORMAL", "FULL", "EXTRA"];

async function seed(place: Place): Promise<void> {
  const store = new RawStore(place);
  store.transaction(() => {
    for (const { orderId, version, events } of historyOf(place.history)) {
      for (const [offset, event] of events.entries()) store.write(orderId, version + offset, event);
    }
  });
  await store.close();
}

export const contestants: Contestant[] = [
  {
    name: "raw-sqlite",
    store: "sqlite",
    raw: true,
    durability,
    seed,
    appender: async (place) => oneByOne(new RawStore(place)),
    commandRunner: async (place) => commandRunner(new RawStore(place)),
    hydrator: async (place) => hydrator(new RawStore(place)),
    catchUp: async (place) => new RawProjection(new RawStore(place)),
  },
  {
    name: "raw-sqlite-grouped",
    store: "sqlite",
    durability,
    appender: async (place) => grouped(new RawStore(place)),
  },
];
