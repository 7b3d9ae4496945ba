import { applicationService, Domain, type DomainOptions, subscriber } from "nereus";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { type PostgresOptions, type PostgresPool, postgres, setUp } from "../../src/adapters/postgres/index.ts";
import type { Store } from "../../src/ports/store.ts";
import { Deposit, Open, OpenBranch, Withdraw } from "../support/bank.ts";
import { newSchema } from "../support/postgres.ts";
import { makeCluster, makeStandby, type PostgresCluster, whyNoCluster } from "../support/postgres-cluster.ts";
import { answersOf, Balance, BalanceOf, readSide } from "../support/read-side.ts";
import { until } from "../support/until.ts";

const gateway = subscriber(
  "Gateway",
  { stream: "payments", message: z.object({ id: z.string() }) },
  async () => undefined,
);
const signup = applicationService("Signup", {
  async register({ process }, accountId: string) {
    return process(new Open({ accountId }));
  },
});
const elements = [...readSide, gateway, signup];
const hundred = { row: 100, holder: "Ada", now: 100, opened: 0, branches: ["Main"] };

/** A server, and what has to be known of it. */
class Server {
  readonly cluster: PostgresCluster;
  readonly #pools: pg.Pool[] = [];

  constructor(cluster: PostgresCluster) {
    this.cluster = cluster;
  }

  pool(options: pg.PoolConfig = {}): pg.Pool {
    const pool = new pg.Pool({ connectionString: this.cluster.url, max: 6, ...options });
    pool.on("error", () => undefined);
    this.#pools.push(pool);
    return pool;
  }

  store(schema: string, options: Partial<PostgresOptions> = {}): Store {
    const store = postgres({ pool: this.pool(), schema, ...options });
    onTestFinished(() => store.close());
    return store;
  }

  async start(
    schema: string,
    options: Partial<PostgresOptions> = {},
    more: Partial<DomainOptions> = {},
  ): Promise<Domain> {
    const bank = new Domain("bank", { elements, store: this.store(schema, options), ...more });
    await bank.start();
    onTestFinished(() => bank.stop());
    return bank;
  }

  /** One value of one row. */
  async ask(text: string): Promise<unknown> {
    const client = new pg.Client({ connectionString: this.cluster.url });
    await client.connect();
    try {
      // Several statements have an answer each.
      const answers = [await client.query({ text, rowMode: "array" })].flat();
      return answers.at(-1)?.rows[0]?.[0];
    } finally {
      await client.end();
    }
  }

  async remove(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.end()));
    this.cluster.remove();
  }
}

/** A bank with one account of 100 and one branch, in a schema of its own. */
async function newBank(server: Server): Promise<{ schema: string; bank: Domain }> {
  const schema = newSchema();
  await setUp({ pool: server.pool(), schema });
  const bank = await server.start(schema);
  await bank.process(new Open({ accountId: "1" }));
  await bank.process(new Deposit({ accountId: "1", amount: 100 }), { visibleIn: [Balance] });
  await bank.process(new OpenBranch({ branchId: "b" }));
  return { schema, bank };
}

/** Until a standby has all that its primary has. */
async function replayed(primary: Server, standby: Server): Promise<void> {
  // What is written before this is sent with it, also what no transaction has committed.
  const end = await primary.ask("SELECT pg_logical_emit_message(true, 'nereus', '')::text");
  await until(() => standby.ask(`SELECT pg_last_wal_replay_lsn() >= '${end}'::pg_lsn`));
}

/** A pool that counts what is asked of it. */
function counting(pool: pg.Pool): { pool: PostgresPool; asked: () => number } {
  let asked = 0;
  const counted: PostgresPool = {
    connect() {
      asked++;
      return pool.connect();
    },
    query(query) {
      asked++;
      return pool.query(query);
    },
  };
  return { pool: counted, asked: () => asked };
}

const readOnly = { readOnly: true } as const;

describe.skipIf(whyNoCluster() !== undefined)("a hot standby", () => {
  let primary: Server;
  let standby: Server;
  beforeAll(async () => {
    primary = new Server(await makeCluster());
    standby = new Server(await makeStandby(primary.cluster, { max_standby_streaming_delay: "0" }));
  });
  afterAll(async () => {
    await standby?.remove();
    await primary?.remove();
  });

  test("answers views, queries and reads of the past, also of what was written after its start", async () => {
    const { schema, bank } = await newBank(primary);
    await replayed(primary, standby);
    const reading = await standby.start(schema, readOnly);
    expect(await answersOf(reading, "1")).toEqual(hundred);
    await bank.process(new Open({ accountId: "2", holder: "Eve" }), { visibleIn: [Balance] });
    await bank.process(new Withdraw({ accountId: "1", amount: 30 }));
    await replayed(primary, standby);
    expect(await answersOf(reading, "1")).toEqual({ ...hundred, now: 70 });
    expect(await answersOf(reading, "2")).toMatchObject({ row: 0, holder: "Eve", now: 0 });
  });

  test("commands, and all else that would write, are refused before any statement, and are told where to go", async () => {
    const { schema, bank } = await newBank(primary);
    const { commandId } = await bank.send(new Deposit({ accountId: "1", amount: 1 }));
    await replayed(primary, standby);
    const { pool, asked } = counting(standby.pool());
    const reading = await standby.start(schema, { ...readOnly, pool });
    const receipt = await reading.receipt(Deposit, commandId);
    const before = asked();
    for (const write of [
      () => reading.process(new Open({ accountId: "2" })),
      () => reading.send(new Open({ accountId: "2" })),
      () => reading.deliver(gateway, { id: "a" }, { id: "a" }),
      () => reading.service(signup).register("2"),
      () => reading.settle(),
      () => reading.engine().start(),
      () => receipt?.cancel(),
    ]) {
      const refused = { code: "STORE_READ_ONLY", fix: expect.stringContaining("a process whose store may write") };
      await expect(write()).rejects.toMatchObject(refused);
    }
    expect(asked()).toBe(before);
  });

  test("a store that is to write there is refused at its start, by what the server is", async () => {
    const { schema } = await newBank(primary);
    await replayed(primary, standby);
    const refused = {
      code: "STORE_READ_ONLY",
      message: expect.stringContaining("standby"),
      fix: expect.stringContaining("readOnly: true"),
    };
    await expect(standby.start(schema)).rejects.toMatchObject(refused);
    await expect(setUp({ pool: standby.pool(), schema })).rejects.toMatchObject(refused);
  });

  test("what the standby does not have yet is refused at the start; when it has come, the start may be repeated", async () => {
    await standby.ask("SELECT pg_wal_replay_pause()");
    const { schema } = await newBank(primary);
    const reading = new Domain("bank", { elements, store: standby.store(schema, readOnly) });
    await expect(reading.start()).rejects.toMatchObject({ code: "STORE_NOT_SET_UP" });
    await standby.ask("SELECT pg_wal_replay_resume()");
    await replayed(primary, standby);
    await reading.start();
    onTestFinished(() => reading.stop());
    expect(await answersOf(reading, "1")).toEqual(hundred);
  });

  test("visibleIn speaks of the store of its process: a standby that lags shows what it has, and the rest when it has come", async () => {
    const { schema, bank } = await newBank(primary);
    await replayed(primary, standby);
    const reading = await standby.start(schema, readOnly);
    await standby.ask("SELECT pg_wal_replay_pause()");
    await bank.process(new Deposit({ accountId: "1", amount: 5 }), { visibleIn: [Balance] });
    expect((await bank.view(Balance).get("1"))?.balance).toBe(105);
    expect(await answersOf(reading, "1")).toEqual(hundred);
    await standby.ask("SELECT pg_wal_replay_resume()");
    await replayed(primary, standby);
    expect(await answersOf(reading, "1")).toEqual({ ...hundred, row: 105, now: 105 });
  });

  test("a read that the standby ends, since it has to replay what the read is in the way of, is made again", async () => {
    const { schema } = await newBank(primary);
    await replayed(primary, standby);
    const reading = await standby.start(schema, readOnly);
    const holder = await primary.pool().connect();
    onTestFinished(() => holder.release(true));
    // The read waits for one table and has another, which the standby is then to lock.
    await holder.query(`BEGIN; LOCK TABLE "${schema}".nereus_categories IN ACCESS EXCLUSIVE MODE`);
    await replayed(primary, standby);
    const answer = reading.query(new BalanceOf({ accountId: "1" }));
    await until(() => standby.ask("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"));
    await primary.ask(`BEGIN; LOCK TABLE "${schema}".nereus_messages IN ACCESS EXCLUSIVE MODE; COMMIT`);
    await until(() => standby.ask("SELECT sum(confl_lock) > 0 FROM pg_stat_database_conflicts"));
    await holder.query("COMMIT");
    expect(await answer).toBe(100);
  });

  test("with synchronous_commit = remote_apply it shows a command as soon as the command is answered", async () => {
    const { schema } = await newBank(primary);
    await replayed(primary, standby);
    const settings = async (sql: string): Promise<void> => {
      await primary.ask(sql);
      await primary.ask("SELECT pg_reload_conf()");
    };
    await settings("ALTER SYSTEM SET synchronous_standby_names = '*'");
    onTestFinished(() => settings("ALTER SYSTEM RESET synchronous_standby_names"));
    await until(() => primary.ask("SELECT sync_state = 'sync' FROM pg_stat_replication"));
    const writing = await primary.start(schema, {
      pool: primary.pool({ options: "-c synchronous_commit=remote_apply" }),
    });
    const reading = await standby.start(schema, readOnly);
    for (let balance = 101; balance <= 120; balance++) {
      await writing.process(new Deposit({ accountId: "1", amount: 1 }), { visibleIn: [Balance] });
      expect(await answersOf(reading, "1")).toMatchObject({ row: balance, now: balance });
    }
  });

  test("that begins anew is waited for", async () => {
    const { schema } = await newBank(primary);
    await replayed(primary, standby);
    const reading = await standby.start(schema, readOnly);
    standby.cluster.stop("fast");
    const answers = answersOf(reading, "1");
    standby.cluster.start();
    expect(await answers).toEqual(hundred);
  });
});

describe.skipIf(whyNoCluster() !== undefined)("a hot standby that is promoted", () => {
  test("goes on answering the process that reads, shows it what is written there, and takes the commands of others", async () => {
    const primary = new Server(await makeCluster());
    onTestFinished(() => primary.remove());
    const standby = new Server(await makeStandby(primary.cluster));
    onTestFinished(() => standby.remove());
    const { schema } = await newBank(primary);
    await replayed(primary, standby);
    const store = standby.store(schema, readOnly);
    const reading = new Domain("bank", { elements, store });
    await reading.start();
    onTestFinished(() => reading.stop());
    let heard = 0;
    onTestFinished(store.onCommit(() => heard++));
    expect(await answersOf(reading, "1")).toEqual(hundred);
    primary.cluster.stop("immediate");
    standby.cluster.promote();
    expect(await answersOf(reading, "1")).toEqual(hundred);
    await expect(reading.process(new Deposit({ accountId: "1", amount: 1 }))).rejects.toMatchObject({
      code: "STORE_READ_ONLY",
    });
    const writing = await standby.start(schema);
    await writing.process(new Deposit({ accountId: "1", amount: 1 }), { visibleIn: [Balance] });
    expect(await answersOf(reading, "1")).toEqual({ ...hundred, row: 101, now: 101 });
    await until(() => heard > 0);
  });
});
