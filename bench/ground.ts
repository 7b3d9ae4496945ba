/** Where cells play: a directory of their own, or a database of their own on one server. */
import { closeSync, cpSync, fsyncSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { Place, StoreKind } from "./contestant.ts";
import type { HistoryName } from "./history.ts";

/** Its user may create databases. */
const server = process.env["NEREUS_BENCH_POSTGRES"] ?? "postgresql://postgres@127.0.0.1:5432/postgres";

/** Directories go when the script ends, however it ends; databases when `close` is called, or at the next start. */
export class Ground {
  readonly #root = mkdtempSync(join(tmpdir(), "nereus-bench-"));
  readonly #databases = new Set<string>();
  #admin: pg.Client | undefined;
  #next = 0;

  constructor() {
    process.on("exit", () => rmSync(this.#root, { recursive: true, force: true }));
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));
  }

  /** @throws Error SERVER_UNREACHABLE */
  async empty(store: StoreKind, history: HistoryName): Promise<Place> {
    const directory = join(this.#root, String(this.#next++));
    mkdirSync(directory);
    if (store !== "postgres") return { directory, history, database: "" };
    return { directory, history, database: await this.#createDatabase("TEMPLATE template0") };
  }

  /** Files are flushed, so that their writing does not burden the fsyncs of the cell. */
  async copy(from: Place): Promise<Place> {
    const directory = join(this.#root, String(this.#next++));
    cpSync(from.directory, directory, { recursive: true });
    for (const file of readdirSync(directory)) {
      const descriptor = openSync(join(directory, file), "r+");
      fsyncSync(descriptor);
      closeSync(descriptor);
    }
    const database = from.database && (await this.#createDatabase(`TEMPLATE "${nameIn(from.database)}"`));
    return { directory, history: from.history, database };
  }

  /** What was seeded is as a server in use leaves it, so that no cell pays for its cleaning. */
  async settle({ database }: Place): Promise<void> {
    if (database === "") return;
    const client = new pg.Client(database);
    await client.connect();
    await client.query("VACUUM ANALYZE");
    await client.end();
    await this.#admin?.query("CHECKPOINT");
  }

  async remove({ directory, database }: Place): Promise<void> {
    rmSync(directory, { recursive: true, force: true });
    if (database !== "") await this.#drop(nameIn(database));
  }

  async close(): Promise<void> {
    for (const name of this.#databases) await this.#drop(name);
    await this.#admin?.end();
  }

  async #createDatabase(from: string): Promise<string> {
    this.#admin ??= await connected();
    const name = `nereus_bench_${process.pid}_${this.#next}`;
    await this.#admin.query(`CREATE DATABASE "${name}" ${from}`);
    this.#databases.add(name);
    const address = new URL(server);
    address.pathname = `/${name}`;
    return address.href;
  }

  async #drop(name: string): Promise<void> {
    this.#databases.delete(name);
    await this.#admin?.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
  }
}

const nameIn = (database: string): string => new URL(database).pathname.slice(1);

async function connected(): Promise<pg.Client> {
  const client = new pg.Client(server);
  try {
    await client.connect();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`SERVER_UNREACHABLE: ${new URL(server).host} (set NEREUS_BENCH_POSTGRES): ${why}`);
  }
  await dropLeftOvers(client);
  return client;
}

/** Those of scripts that were ended before they could clean up. */
async function dropLeftOvers(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ datname: string }>(
    "SELECT datname FROM pg_database WHERE datname LIKE 'nereus\\_bench\\_%'",
  );
  for (const { datname } of rows) {
    const [, pid] = /^nereus_bench_(\d+)_/.exec(datname) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await client.query(`DROP DATABASE IF EXISTS "${datname}" WITH (FORCE)`);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
