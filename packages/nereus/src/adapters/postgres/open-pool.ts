import { NereusError } from "../../model/errors.ts";
import { hearErrors } from "../pool-line.ts";
import type { PostgresPool } from "./pool.ts";

/** One connection writes, one listens, and reads need at least one more. */
const fewestConnections = 3;

/** A pool while a store uses it. */
export interface OpenPool {
  readonly pool: PostgresPool;
  close(): Promise<void>;
}

/** A pool that was handed in: whoever made it ends it. */
export function givenPool(pool: PostgresPool): OpenPool {
  const { max } = pool.options ?? {};
  if (max !== undefined && max < fewestConnections) {
    throw new NereusError(
      "OPTION_INVALID",
      `A store needs ${fewestConnections} connections, and its pool has ${max}.`,
      {
        fix: "Give the pool a greater max.",
      },
    );
  }
  const unhear = hearErrors(pool);
  return { pool, close: async () => unhear() };
}

/** @throws NereusError STORE_NOT_SET_UP where `pg` is not installed, STORE_DRIVER_FAILED where it cannot be loaded */
export async function ownPool(connectionString: string): Promise<OpenPool> {
  const { Pool } = await driver();
  const pool = new Pool({ connectionString, keepAlive: true });
  hearErrors(pool);
  return { pool, close: () => pool.end() };
}

async function driver(): Promise<Pick<typeof import("pg"), "Pool">> {
  try {
    const loaded = await import("pg");
    const { Pool } = loaded.default ?? loaded; // a bundler may leave the default out
    if (typeof Pool !== "function") throw new TypeError("it has no Pool");
    return { Pool };
  } catch (error) {
    throw isMissing(error) ? notInstalled(error) : notLoaded(error);
  }
}

function isMissing(error: unknown): boolean {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return code === "ERR_MODULE_NOT_FOUND" && /package '?pg'?(?: |$)/.test(String(message));
}

function notInstalled(cause: unknown): NereusError {
  return new NereusError("STORE_NOT_SET_UP", "A store with a connection string needs the package pg.", {
    fix: "Run `npm install pg`, or hand in a pool.",
    cause,
  });
}

function notLoaded(cause: unknown): NereusError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new NereusError("STORE_DRIVER_FAILED", `The package pg is there, and could not be loaded: ${why}`, {
    fix: "See cause. If a bundler has taken pg in, leave it outside of the bundle, or hand in a pool.",
    cause,
  });
}
