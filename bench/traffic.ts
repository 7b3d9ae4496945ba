/**
 * What a cell's process and its server do for each operation: counted where the driver `pg` talks to the server, which
 * every contestant on PostgreSQL uses, and in the processor time of the server's own processes, where those can be seen.
 */
import { readFileSync } from "node:fs";
import pg from "pg";

export type Traffic = {
  /** Times that the client handed over to the server and waited for it to be ready again. */
  roundTrips: number;
  statements: number;
  /** The sum over all connections. */
  waitedMillis: number;
  /** Of the connections' server processes; NaN where the server is on another machine. */
  serverMicros: number;
};

type Counted = { roundTrips: number; statements: number; waitedMillis: number };
type Watched = { since?: number; once(event: string, listener: () => void): unknown };

const counted: Counted = { roundTrips: 0, statements: 0, waitedMillis: 0 };

/** Once in a process, before connections are made. */
export function watchTraffic(): void {
  const connection = pg.Connection.prototype as unknown as Record<
    string,
    (this: Watched, ...all: unknown[]) => unknown
  >;
  wrap(connection, "execute", () => {
    counted.statements++;
  });
  wrap(connection, "query", (self) => {
    counted.statements++;
    handOver(self);
  });
  wrap(connection, "sync", handOver);
}

function wrap(on: Record<string, unknown>, name: string, before: (self: Watched) => void): void {
  const original = on[name] as (...all: unknown[]) => unknown;
  on[name] = function (this: Watched, ...all: unknown[]): unknown {
    before(this);
    return original.apply(this, all);
  };
}

function handOver(connection: Watched): void {
  counted.roundTrips++;
  const since = performance.now();
  connection.once("readyForQuery", () => {
    counted.waitedMillis += performance.now() - since;
  });
}

/** Watches one database until the returned function is called. */
export async function meter(database: string): Promise<() => Promise<Traffic>> {
  const observer = new pg.Client(database);
  await observer.connect();
  const busy = await serverTimes(observer);
  const start = { ...counted };
  return async () => {
    const end = { ...counted };
    const now = await serverTimes(observer);
    await observer.end();
    let serverMicros = 0;
    for (const [pid, micros] of now) serverMicros += micros - (busy.get(pid) ?? 0);
    return {
      roundTrips: end.roundTrips - start.roundTrips,
      statements: end.statements - start.statements,
      waitedMillis: end.waitedMillis - start.waitedMillis,
      serverMicros: now.size === 0 ? Number.NaN : serverMicros,
    };
  };
}

/** Processor time of the server process of each connection to the database but this one. */
async function serverTimes(observer: pg.Client): Promise<Map<number, number>> {
  const { rows } = await observer.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
  );
  const times = new Map<number, number>();
  for (const { pid } of rows) {
    const micros = processorMicros(pid);
    if (micros !== undefined) times.set(pid, micros);
  }
  return times;
}

/** Of a process of this machine, on Linux: in steps of 10 ms, which even out over many. */
function processorMicros(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    if (!stat.includes("(postgres)")) return undefined;
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  } catch {
    return undefined;
  }
}
