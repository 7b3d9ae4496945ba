import { isRefusal } from "./faults.ts";
import type { MessageDbPool } from "./pool.ts";
import { type Verdict, verdictOn } from "./verdict.ts";
import { write } from "./write-statement.ts";
import type { Writing } from "./written-rows.ts";

interface Waiting {
  readonly writing: Writing;
  readonly resolve: (verdict: Verdict) => void;
  readonly reject: (error: unknown) => void;
}

/** The most commits, and rows, that go into one transaction. */
const most = { commits: 64, rows: 1000 };
/** How often a write is tried again that was refused for a reason which is gone. */
const tries = 50;

/**
 * Writes to the log, at most one transaction at a time for the same categories: Message DB locks them anyway. What comes
 * meanwhile goes together into the next one; if that is refused, each is written by itself, so that none fails another.
 */
export class LogWriter {
  readonly #pool: MessageDbPool;
  readonly #lines = new Map<string, Waiting[]>();

  constructor(pool: MessageDbPool) {
    this.#pool = pool;
  }

  /** @throws NereusError EVENT_ID_REUSED, or what the driver throws */
  write(writing: Writing): Promise<Verdict> {
    const { promise, resolve, reject } = Promise.withResolvers<Verdict>();
    const key = JSON.stringify(writing.heads);
    const line = this.#lines.get(key);
    if (line !== undefined) {
      line.push({ writing, resolve, reject });
      return promise;
    }
    const own: Waiting[] = [{ writing, resolve, reject }];
    this.#lines.set(key, own);
    void this.#work(key, own); // answers every promise of the line, and never throws
    return promise;
  }

  /** Refuses what waits; what was sent goes on. */
  cut(error: unknown): void {
    for (const line of this.#lines.values()) for (const { reject } of line.splice(0)) reject(error);
  }

  async #work(key: string, line: Waiting[]): Promise<void> {
    while (line.length > 0) await this.#together(line.splice(0, countOf(line)));
    this.#lines.delete(key);
  }

  async #together(batch: readonly Waiting[]): Promise<void> {
    if (batch.length > 1 && !batch.some(({ writing }) => writing.needsLook)) {
      try {
        const positions = await write(
          this.#pool,
          batch.map(({ writing }) => writing),
        );
        for (const [at, { resolve }] of batch.entries()) resolve({ status: "written", position: positions[at] });
        return;
      } catch {
        // which of them was refused, and why, is told when each is written by itself
      }
    }
    for (const { writing, resolve, reject } of batch) await this.#alone(writing).then(resolve, reject);
  }

  async #alone(writing: Writing): Promise<Verdict> {
    for (let attempt = 0; ; attempt++) {
      const refused = writing.needsLook ? await verdictOn(this.#pool, writing) : undefined;
      const verdict = refused ?? (await this.#tried(writing, attempt));
      if (verdict !== undefined) return verdict;
    }
  }

  /** Undefined where it was refused for a reason that is gone. */
  async #tried(writing: Writing, attempt: number): Promise<Verdict | undefined> {
    try {
      const [position] = await write(this.#pool, [writing]);
      return { status: "written", position };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const verdict = await verdictOn(this.#pool, writing);
      if (verdict === undefined && attempt >= tries) throw error;
      return verdict;
    }
  }
}

function countOf(line: readonly Waiting[]): number {
  let rows = 0;
  const end = line.findIndex(({ writing }, at) => {
    rows += writing.rows.length;
    return at >= most.commits || rows > most.rows;
  });
  return end === -1 ? line.length : Math.max(1, end);
}
