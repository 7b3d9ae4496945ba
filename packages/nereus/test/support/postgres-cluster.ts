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
  remove(): void;
}

/** Why no server can be made here; undefined where one can. */
export function whyNoCluster(): string | undefined {
  if (programs() === undefined) return "no initdb and pg_ctl are installed";
  if (process.getuid?.() === 0 && serverUser() === undefined)
    return "there is no user postgres that a server could run as";
  return undefined;
}

/** Makes and starts one, at a free port of the loopback address. */
export async function makeCluster(): Promise<PostgresCluster> {
  const folder = mkdtempSync(join(tmpdir(), "nereus-cluster-"));
  const user = serverUser();
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const port = await freePort();
  const data = join(folder, "data");
  run("initdb", "--pgdata", data, "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--no-sync");
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${folder}`;
  const cluster: PostgresCluster = {
    port,
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    start: () => run("pg_ctl", "start", "-w", "-D", data, "-l", join(folder, "log"), "-o", options),
    stop: (mode) => run("pg_ctl", "stop", "-w", "-D", data, "-m", mode),
    remove() {
      try {
        cluster.stop("immediate");
      } catch {
        // It was stopped already.
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
  cluster.start();
  return cluster;
}

/** Where initdb and pg_ctl are: in the path, or where Debian puts them. */
function programs(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort().reverse() : [];
  const folders = [
    ...(process.env["PATH"] ?? "").split(":"),
    ...versions.map((version) => join(debian, version, "bin")),
  ];
  return folders.find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "pg_ctl")));
}

/** Whom a server runs as that refuses to run as root. */
export function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = ["-u", "-g"].map((flag) => spawnSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return uid?.status === 0 && gid?.status === 0 ? { uid: Number(uid.stdout), gid: Number(gid.stdout) } : undefined;
}

function run(program: string, ...args: string[]): void {
  // The server must not hold on to this process's output.
  const { status, stderr, stdout } = spawnSync(join(programs() ?? "", program), args, {
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
