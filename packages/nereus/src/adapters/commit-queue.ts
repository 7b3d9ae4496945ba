import type { Commit } from "../ports/store.ts";

/** A commit, and how its caller is answered. */
export interface Waiting<Outcome> {
  readonly commit: Commit;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

/** The most commits that share a transaction: enough to spread its cost, few enough to answer soon. */
const batchSize = 512;

/**
 * The same where there are several tenants: who comes waits for the transactions that are under way, so these are short. The cost of a transaction is still
 * a small part of that of its commits, unless the disk takes more than about two milliseconds.
 */
const sharedBatchSize = 64;

/**
 * Commits that wait for their transaction. Where those of several tenants wait, one of each is taken in turn, so that a busy tenant does not keep a quiet
 * one waiting; of one tenant, first come, first served.
 */
export class CommitQueue<Outcome> {
  readonly #lines = new Map<string, Waiting<Outcome>[]>();
  /** Of the tenants in the map, the next one first. */
  #order: string[] = [];
  /** Before all others: what was taken and has to be taken again. */
  #returned: Waiting<Outcome>[] = [];
  #size = 0;
  #firstTenant: string | undefined;
  /** Whether there has been a second tenant. */
  #isShared = false;

  get size(): number {
    return this.#size;
  }

  /** The most that one batch should have. */
  get batchSize(): number {
    return this.#isShared ? sharedBatchSize : batchSize;
  }

  add(waiting: Waiting<Outcome>): void {
    this.#size++;
    const tenant = tenantOf(waiting.commit);
    const line = this.#lines.get(tenant);
    if (line !== undefined) {
      line.push(waiting);
      return;
    }
    this.#firstTenant ??= tenant;
    this.#isShared ||= tenant !== this.#firstTenant;
    this.#lines.set(tenant, [waiting]);
    this.#order.push(tenant);
  }

  putBack(batch: readonly Waiting<Outcome>[]): void {
    this.#returned = [...batch, ...this.#returned];
    this.#size += batch.length;
  }

  /**
   * Takes the next ones.
   *
   * @param most how many
   * @param fits asked of each in turn: the first that does not stays, and so do those after it
   */
  take(most: number, fits: (commit: Commit) => boolean = () => true): readonly Waiting<Outcome>[] {
    const taken = this.#returned.splice(0, fitting(this.#returned, most, fits));
    if (this.#returned.length === 0) this.#takeInTurn(taken, most, fits);
    this.#size -= taken.length;
    return taken;
  }

  #takeInTurn(taken: Waiting<Outcome>[], most: number, fits: (commit: Commit) => boolean): void {
    while (taken.length < most) {
      const [tenant] = this.#order;
      const line = tenant === undefined ? undefined : this.#lines.get(tenant);
      if (tenant === undefined || line === undefined) return;
      const left = this.#order.length === 1 ? most - taken.length : 1;
      const count = fitting(line, left, fits);
      taken.push(...line.splice(0, count));
      if (line.length === 0) this.#forget(tenant);
      else if (count === 0 || this.#order.length === 1) return;
      else this.#order.push(this.#order.shift() as string);
    }
  }

  /** Takes a commit out; undefined if it does not wait here. */
  withdraw(commit: Commit): Waiting<Outcome> | undefined {
    const tenant = tenantOf(commit);
    for (const line of [this.#lines.get(tenant) ?? [], this.#returned]) {
      const at = line.findIndex((waiting) => waiting.commit === commit);
      if (at < 0) continue;
      this.#size--;
      const [found] = line.splice(at, 1);
      if (this.#lines.get(tenant)?.length === 0) this.#forget(tenant);
      return found;
    }
    return undefined;
  }

  #forget(tenant: string): void {
    this.#lines.delete(tenant);
    this.#order.splice(this.#order.indexOf(tenant), 1);
  }
}

function fitting<Outcome>(line: readonly Waiting<Outcome>[], most: number, fits: (commit: Commit) => boolean): number {
  let count = 0;
  for (const { commit } of line) {
    if (count === most || !fits(commit)) break;
    count++;
  }
  return count;
}

/** Whose a commit is. A batch of a projection may hold rows of several tenants: it stands with those of its first. */
export function tenantOf({ appends, documents, idempotency }: Commit): string {
  return appends?.[0]?.stream.tenant ?? documents?.[0]?.tenant ?? idempotency?.tenant ?? "";
}
