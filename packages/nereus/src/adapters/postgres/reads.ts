import { createHash } from "node:crypto";
import { patiently } from "../patience.ts";
import { codeOf } from "../server-answers.ts";
import { qualified } from "./identifiers.ts";
import type { PostgresQuery } from "./pool.ts";
import type { WatchedPool } from "./watched-pool.ts";

/** A row as its columns' values, in the order of the SELECT. */
export type Row = readonly unknown[];

const numbers: ReadonlySet<number> = new Set([20, 21, 23, 26]);

/** Whole numbers as numbers and everything else as text, whatever the pool's own settings are. */
export const columnTypes: ColumnTypes = {
  getTypeParser: (type) => (numbers.has(type) ? Number : (value: string) => value),
};

type ColumnTypes = NonNullable<PostgresQuery["types"]>;

/** A statement that each connection prepares once. */
export class PreparedStatement {
  readonly text: string;
  readonly name: string;
  readonly #types: ColumnTypes;

  constructor(text: string, types: ColumnTypes = columnTypes) {
    this.#types = types;
    this.text = text;
    this.name = `nereus_${createHash("sha256").update(this.text).digest("hex").slice(0, 24)}`;
  }

  with(...values: unknown[]): PostgresQuery {
    return { text: this.text, name: this.name, values, rowMode: "array", types: this.#types };
  }
}

/** A statement of the store's own, from the files in sql/. */
export function ownStatement(schema: string, sql: string, types?: ColumnTypes): PreparedStatement {
  return new PreparedStatement(qualified(sql, schema), types);
}

/** A statement that is put together for one query: planned for its values, and not kept. */
export function unprepared(text: string, values: unknown[] = []): PostgresQuery {
  return { text, values, rowMode: "array", types: columnTypes };
}

/** Runs a statement and answers its rows. */
export interface RowReader {
  rows(query: PostgresQuery): Promise<readonly Row[]>;
}

/** What a server answers whose transactions are serializable by its settings, or a standby that its primary overtook. */
export const overtaken = "40001";

/** How often a statement is sent that was overtaken. */
const mostAttempts = 8;

/** Reads on any connection of the pool, tried again where one was lost, or was overtaken. */
export class Reads implements RowReader {
  readonly #pool: WatchedPool;
  readonly #patience: number;

  constructor(pool: WatchedPool, patience: number) {
    this.#pool = pool;
    this.#patience = patience;
  }

  rows(query: PostgresQuery): Promise<readonly Row[]> {
    return patiently(this.#patience, (left) => this.#attempt(query, 1, left));
  }

  async #attempt(query: PostgresQuery, attempt: number, left: number | undefined): Promise<readonly Row[]> {
    try {
      return (await this.#pool.query(query, left)).rows as readonly Row[];
    } catch (error) {
      if (codeOf(error) !== overtaken || attempt === mostAttempts) throw error;
      return this.#attempt(query, attempt + 1, left);
    }
  }
}
