import { spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A PostgreSQL server of the test's own, in a temporary folder. */
export interface PostgresCluster {
  readonly url: string;
  readonly port: number;
  start(): void;
  /** @param mode as pg_ctl has them: `immediate` is a crash */
  stop(mode: "fast" | "immediate"): void;
  /** Makes a standby a server of its own. */
  promote(): void;
  remove(): void;
}

/** Why no server can be made here; undefined where one can. */
export function whyNoCluster(): string | undefined {
  if (["initdb", "pg_ctl", "pg_basebackup"].some((name) => pathOf(name) === undefined))
    return "no initdb, pg_ctl and pg_basebackup are installed";
  if (process.getuid?.() === 0 && serverUser() === undefined)
    return "there is no user postgres that a server could run as";
  return undefined;
}

/** Makes and starts one, at a free port of the loopback address. @param settings of its configuration */
export function makeCluster(settings: Settings = {}): Promise<PostgresCluster> {
  return startedIn(settings, (data) =>
    run("initdb", "--pgdata", data, "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--no-sync"),
  );
}

/** Makes and starts one that follows another. */
export function makeStandby({ url }: PostgresCluster, settings: Settings = {}): Promise<PostgresCluster> {
  return startedIn({ hot_standby: "on", ...settings }, (data) =>
    run("pg_basebackup", "--pgdata", data, "--dbname", url, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
  );
}

type Settings = Readonly<Record<string, string>>;

async function startedIn(settings: Settings, fill: (data: string) => void): Promise<PostgresCluster> {
  const folder = mkdtempSync(join(tmpdir(), "nereus-cluster-"));
  const user = serverUser();
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const port = await freePort();
  const data = join(folder, "data");
  const own = { listen_addresses: "127.0.0.1", unix_socket_directories: folder, ...settings };
  const flags = Object.entries(own).map(([name, value]) => `-c ${name}=${value}`);
  const options = [`-p ${port}`, ...flags].join(" ");
  const cluster: PostgresCluster = {
    port,
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    start: () => run("pg_ctl", "start", "-w", "-D", data, "-l", join(folder, "log"), "-o", options),
    stop: (mode) => run("pg_ctl", "stop", "-w", "-D", data, "-m", mode),
    promote: () => run("pg_ctl", "promote", "-w", "-D", data),
    remove() {
      try {
        cluster.stop("immediate");
      } catch {
        // It was stopped already.
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    fill(data);
    cluster.start();
    return cluster;
  } catch (error) {
    cluster.remove();
    throw error;
  }
}

/** Where a program of PostgreSQL's is: in the path, or where Debian puts them. */
function pathOf(program: string): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort().reverse() : [];
  const folders = [
    ...(process.env["PATH"] ?? "").split(":"),
    ...versions.map((version) => join(debian, version, "bin")),
  ];
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

/** Whom a server runs as that refuses to run as root. */
export function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = ["-u", "-g"].map((flag) => spawnSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return uid?.status === 0 && gid?.status === 0 ? { uid: Number(uid.stdout), gid: Number(gid.stdout) } : undefined;
}

function run(program: string, ...args: string[]): void {
  // The server must not hold on to this process's output.
  const { status, stderr, stdout } = spawnSync(pathOf(program) ?? program, args, {
    ...serverUser(),
    cwd: tmpdir(),
    encoding: "utf8",
    stdio: program === "pg_ctl" ? ["ignore", "ignore", "ignore"] : ["ignore", "pipe", "pipe"],
  });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} failed: ${stderr ?? ""}${stdout ?? ""}`);
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
