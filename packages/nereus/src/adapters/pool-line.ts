import { clearTimeout, setTimeout } from "node:timers";
import { NereusError } from "../model/errors.ts";
import { codeOf, isAnswer } from "./server-answers.ts";

/** A connection while it is lent. */
export interface Lent {
  release(destroy?: boolean): void;
  on?(event: "error", listener: () => void): unknown;
}

/** What a pool tells of itself; a `Pool` of `pg` tells all of it. */
export interface PoolCounts {
  /** Connections, idle ones and those that are being made among them. */
  readonly totalCount?: number | undefined;
  readonly idleCount?: number | undefined;
  /** Calls that wait for a connection. */
  readonly waitingCount?: number | undefined;
  readonly options?: { readonly max?: number } | undefined;
}

/** A pool of which connections are borrowed. */
export interface LendingPool<Client extends Lent> extends PoolCounts {
  connect(): Promise<Client>;
}

/** Who keeps a connection for longer than a statement. */
export interface Holder {
  readonly name: string;
  readonly since: number;
}

/** How long the line is waited in where a server that is away is not waited for at all, in milliseconds. */
const usualWait = 10_000;

/**
 * The line for the connections of a pool, in which nobody waits for ever. Where none comes free in time it tells a pool that is taken from
 * a server that does not answer.
 */
export class PoolLine<Client extends Lent> {
  readonly #pool: LendingPool<Client>;
  readonly #store: string;
  readonly #patience: number;
  readonly #holders = new Set<Holder>();
  /** Calls of the pool's `connect` that it has not answered. */
  #asking = 0;
  /** Statements that have no answer. */
  #running = 0;
  /** How often the server has answered. */
  #answers = 0;

  /**
   * @param store for messages
   * @param patience how long is waited, in milliseconds
   */
  constructor(pool: LendingPool<Client>, store: string, patience: number) {
    this.#pool = pool;
    this.#store = store;
    this.#patience = patience === 0 ? usualWait : patience;
  }

  /**
   * Borrows a connection, which its borrower gives back.
   *
   * @param wait how long it is waited for, in milliseconds
   * @throws NereusError STORE_POOL_EXHAUSTED
   */
  borrow(wait: number = this.#patience): Promise<Client> {
    const seen = this.#answers;
    this.#asking++;
    return new Promise((resolve, reject) => {
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        reject(this.#fault(noAnswer(), seen));
      }, wait);
      this.#pool.connect().then(
        (client) => {
          this.#asking--;
          clearTimeout(timer);
          if (isLate) client.release();
          else resolve(client);
        },
        (error: unknown) => {
          this.#asking--;
          clearTimeout(timer);
          reject(isOfPool(error) ? this.#fault(error, seen) : error);
        },
      );
    });
  }

  /**
   * Runs statements on a connection; one on which something failed, or that does not answer in time, is ended, and with it what it had begun.
   *
   * @param wait how long that may take, in milliseconds. Default: a connection is waited for, the statements take their time
   */
  with<Result>(work: (client: Client) => Promise<Result>, wait?: number): Promise<Result> {
    const seen = this.#answers;
    this.#asking++;
    return new Promise((resolve, reject) => {
      let client: Client | undefined;
      let isAsking = true;
      let isOver = false;
      const end = (isSpoilt: boolean): void => {
        isOver = true;
        clearTimeout(timer);
        if (client === undefined) return;
        this.#running--;
        client.release(isSpoilt);
      };
      const timer = setTimeout(() => {
        const fault = client === undefined ? this.#fault(noAnswer(), seen) : noAnswer();
        end(true);
        reject(fault);
      }, wait ?? this.#patience);
      const fail = (error: unknown): void => {
        if (isAsking) this.#asking--;
        if (isOver) return;
        if (client !== undefined && isAnswer(error)) this.#answers++;
        end(true);
        reject(isOfPool(error) ? this.#fault(error, seen) : error);
      };
      this.#pool
        .connect()
        .then((lent) => {
          this.#asking--;
          isAsking = false;
          if (isOver) return lent.release();
          if (wait === undefined) clearTimeout(timer);
          hear(lent);
          client = lent;
          this.#running++;
          return work(lent).then((result) => {
            if (isOver) return;
            this.#answers++;
            end(false);
            resolve(result);
          });
        })
        .catch(fail);
    });
  }

  /** Notes who keeps a connection. @returns what to call when it is given back */
  hold(name: string): () => void {
    const holder = { name, since: performance.now() };
    this.#holders.add(holder);
    return () => void this.#holders.delete(holder);
  }

  #fault(error: unknown, seen: number): unknown {
    return this.#isExhausted(seen) ? this.#exhausted(error) : error;
  }

  /** Where nothing was answered meanwhile, the server may be away: unless nobody has asked it anything. */
  #isExhausted(seen: number): boolean {
    const { totalCount, idleCount, waitingCount, options } = this.#pool;
    const isTold = totalCount !== undefined && idleCount !== undefined && waitingCount !== undefined;
    if (isTold && (idleCount > 0 || totalCount < (options?.max ?? 0))) return false;
    if (this.#answers !== seen) return true;
    return isTold && this.#running === 0 && this.#asking <= waitingCount;
  }

  #exhausted(cause: unknown): NereusError {
    const { options, waitingCount = this.#asking } = this.#pool;
    const size = options?.max === undefined ? "all of its pool are taken" : `all ${options.max} of its pool are taken`;
    const what = `The store ${this.#store} waited for a connection, and none came free: ${size}${this.#taken()}; ${waitingCount} more wait`;
    const fix =
      "Give the pool a greater max, and end transactions sooner: in a handler do what takes long before its first statement, and call other commands " +
      "by context.process, which needs no connection of its own.";
    return new NereusError("STORE_POOL_EXHAUSTED", what, { element: this.#store, fix, cause });
  }

  /** Who has them, as far as is known: `, 8 by transactions of handlers (PayOut, Transfer), the oldest for 12 s`. */
  #taken(): string {
    const holders = [...this.#holders];
    const [oldest] = holders;
    if (oldest === undefined) return "";
    const names = [...new Set(holders.map(({ name }) => name))].slice(0, 5).join(", ");
    const seconds = Math.round((performance.now() - oldest.since) / 1000);
    return `, ${holders.length} by transactions of handlers (${names}), the oldest for ${seconds} s`;
  }
}

function noAnswer(): Error {
  return new Error("the server does not answer");
}

/** Whether `pg` has given up waiting in its own line. */
function isOfPool(error: unknown): boolean {
  return codeOf(error) === "" && error instanceof Error && error.message === "timeout exceeded when trying to connect";
}

/** A pool that tells when a connection is handed out, as one of `pg` does. */
interface HeardPool {
  on?(event: string, listener: (subject: never) => void): unknown;
  removeListener?(event: string, listener: (subject: never) => void): unknown;
}

/**
 * Hears the errors of a pool and of its connections, which would else end the process: one that is lost may say so between its being handed
 * out and its borrower's being told. What is lost fails the statement that is running, or is made anew when it is needed.
 *
 * @returns what to call when the pool is not used any more
 */
export function hearErrors(pool: object): () => void {
  const events = pool as HeardPool; // which events there are the types of pools do not say
  const users = usersOf.get(pool) ?? 0;
  usersOf.set(pool, users + 1);
  if (users === 0) {
    events.on?.("error", ignore);
    events.on?.("acquire", hear);
  }
  return () => {
    const left = (usersOf.get(pool) ?? 1) - 1;
    usersOf.set(pool, left);
    if (left > 0) return;
    events.removeListener?.("error", ignore);
    events.removeListener?.("acquire", hear);
  };
}

/** How many stores hear a pool: they share what listens. */
const usersOf = new WeakMap<object, number>();

const heard = new WeakSet<object>();

function hear(client: { on?(event: "error", listener: () => void): unknown }): void {
  if (heard.has(client)) return;
  heard.add(client);
  client.on?.("error", ignore);
}

function ignore(): void {}
