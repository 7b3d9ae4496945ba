import { type ChildProcess, spawn } from "node:child_process";
import { chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pgBouncer, whyNoPgBouncer } from "../../../../scripts/pgbouncer.mjs";
import { missingPostgres } from "./postgres.ts";
import { freePort, serverUser } from "./postgres-cluster.ts";
import { until } from "./until.ts";

/** A PgBouncer of the test's own before a server, at a free port of the loopback address. */
export interface PgBouncer {
  readonly port: number;
  /** The way to the same database through it. */
  through(url: string): string;
  /** Ends it, or lets it begin anew. */
  stop(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

/** Why there is no PgBouncer to test with; undefined where there is. */
export const missingPgBouncer: string | undefined = look();

function look(): string | undefined {
  if (missingPostgres !== undefined) return missingPostgres;
  const missing = whyNoPgBouncer();
  if (missing !== undefined && process.env["CI"] === "true") throw new Error(missing);
  if (missing !== undefined) console.warn(`skipped: tests with PgBouncer: ${missing}`);
  return missing;
}

/** @param server its URL @param settings of the section `[pgbouncer]`, such as `pool_mode` */
export async function startPgBouncer(server: string, settings: Readonly<Record<string, string>>): Promise<PgBouncer> {
  const { hostname, port: behind, username, password } = new URL(server);
  const folder = mkdtempSync(join(tmpdir(), "nereus-pgbouncer-"));
  const user = serverUser();
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const port = await freePort();
  const users = join(folder, "users.txt");
  const configuration = join(folder, "pgbouncer.ini");
  writeFileSync(users, `"${decodeURIComponent(username)}" "${decodeURIComponent(password)}"\n`);
  const own = {
    listen_addr: "127.0.0.1",
    listen_port: port,
    unix_socket_dir: "",
    auth_type: "trust",
    auth_file: users,
  };
  const lines = Object.entries({ ...own, ...settings }).map(([name, value]) => `${name} = ${value}`);
  const target = `* = host=${hostname} port=${behind || 5432}`;
  writeFileSync(configuration, ["[databases]", target, "[pgbouncer]", ...lines, ""].join("\n"));
  let child: ChildProcess | undefined;
  const bouncer: PgBouncer = {
    port,
    through(url) {
      const way = new URL(url);
      way.host = `127.0.0.1:${port}`;
      return way.href;
    },
    async start() {
      let said = "";
      child = spawn(pgBouncer() ?? "", [configuration], { ...user, cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
      await until(() => {
        if (child?.exitCode != null) throw new Error(`pgbouncer has ended: ${said}`);
        return answers(port);
      });
    },
    async stop() {
      const ended = child?.exitCode == null && new Promise((resolve) => child?.once("close", resolve));
      child?.kill("SIGKILL");
      await ended;
    },
    async remove() {
      await bouncer.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await bouncer.start();
  return bouncer;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.end();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
