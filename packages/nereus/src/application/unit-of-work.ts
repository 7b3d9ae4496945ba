import { type AggregateClass, AggregateRoot, aggregateIdentity, definitionOfRoot } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import { refuseRedeclared } from "../model/fields-of.ts";
import { assertIdentity, isStorable } from "../model/identity.ts";
import { messageId } from "../model/message.ts";
import type { Append, Commit, CommitOutcome, Conflict, StoredDocument } from "../ports/store.ts";
import { type Carried, type CarriedAggregate, carriedFrom, noneCarried } from "./carried.ts";
import type { Cause } from "./cause.ts";
import {
  charactersOf,
  commitOf,
  isChangedDocument,
  isSnapshotDue,
  raisedEvents,
  type Tracked,
  writesNothing,
} from "./commit-of.ts";
import { type Doer, never } from "./doer.ts";
import { Lineage } from "./lineage.ts";
import { cacheKey, catchUp, fromDocument, hydrate, streamOf } from "./loading.ts";
import { conflictWith } from "./overtaken.ts";
import type { RaisedEvent } from "./raised-event.ts";
import type { Runtime } from "./registry.ts";
import { assertSizes } from "./size-limits.ts";
import { duplicate, notAdded, nothingRaised, swallowed, unknownAggregate, withoutIdentity } from "./unit-faults.ts";
import type { Reads } from "./unit-reads.ts";
import { type SqlTransaction, UnitTransaction } from "./unit-transaction.ts";

type Loaded = AggregateRoot | undefined;

/** The aggregate that a piece of work is addressed to. */
export interface Target {
  readonly aggregate: AggregateClass;
  readonly id: string;
  /** Its key, in the cache and among those that wait for their turn. */
  readonly key: string;
}

/**
 * What one command does, until it is committed: every aggregate once, by class, tenant and identity; all their events
 * in the order in which they were raised. Nothing is written before {@link commit}, and then all of it at once.
 */
export class UnitOfWork {
  readonly cause: Cause;
  readonly lineage: Lineage;
  /** The first failure of a nested command; it dooms the whole, whether its error was caught or not. */
  innerFailure: { readonly error: unknown } | undefined;
  readonly #runtime: Runtime;
  readonly #tracked = new Map<string, Tracked>();
  readonly #carried: Map<string, CarriedAggregate>;
  readonly #carriedAreCurrent: boolean;
  readonly #target: Target | undefined;
  readonly #readOnly: boolean;
  readonly #sent: Append[] = [];
  /** What was looked for and not there. */
  #missed: Set<string> | undefined;
  #closed = false;
  /** Aggregates of which the log does not have any more what they were made of. */
  #diverged: Set<string> | undefined;
  /** Whether the loaded aggregates are whole, so that they may serve another command. */
  #isReusable = true;

  /** How it writes: another one for what is prepared once more. */
  writing: UnitTransaction;
  readonly #by: Doer | undefined;
  /** Whether its handler may still run, with the aggregates in its hands. */
  #isForsaken = false;

  /**
   * @param target `"query"` for a unit that only reads
   * @param by what does it; nothing for a query
   */
  constructor(runtime: Runtime, cause: Cause, carried: Carried, target: Target | undefined | "query", by?: Doer) {
    this.#by = by;
    this.writing = new UnitTransaction(runtime.store, by?.work.transaction, by?.work.subject);
    this.#readOnly = target === "query";
    this.#runtime = runtime;
    this.cause = cause;
    this.lineage = new Lineage(cause);
    this.#carried = carried.aggregates.size === 0 ? noneCarried : new Map(carried.aggregates);
    this.#carriedAreCurrent = carried.areCurrent;
    this.#target = target === "query" ? undefined : target;
  }

  /** What it reads: the store, or the transaction that it has. */
  get reads(): Reads {
    return this.writing.reads;
  }

  get transaction(): SqlTransaction {
    this.#assertOpen();
    return this.writing.handle;
  }

  /** Aborts when what it is for is given up. */
  get signal(): AbortSignal {
    return this.#by?.signal ?? never;
  }

  #keyOf(aggregate: AggregateClass, id: string): string {
    const known = this.#target;
    if (known?.id === id && known.aggregate[definition] === aggregate[definition]) return known.key;
    return cacheKey(aggregate, this.cause.tenant, id);
  }

  /**
   * The aggregate, loaded once; without a promise if it is in hand already.
   *
   * @param trust take a cached one as it is: the commit's version check, or {@link wasStale}, will tell
   */
  load(aggregate: AggregateClass, id: string, trust: boolean): Loaded | Promise<Loaded> {
    this.#assertOpen();
    assertIdentity(id);
    if (!isStorable(id)) return undefined; // no identifier() accepts it, and a database might confuse it with another
    const key = this.#keyOf(aggregate, id);
    const known = this.#tracked.get(key);
    if (known !== undefined) return known.removed ? undefined : known.root;
    const carried = this.#carriedAreCurrent ? this.#carried.get(key) : undefined;
    if (carried !== undefined) return this.#track(key, carried.root, aggregate, id, carried.verified);
    const isTrusted = trust && aggregate[definition].eventSourced && !this.#carried.has(key);
    const cached = isTrusted ? this.#takeCached(key) : undefined;
    if (cached !== undefined) return this.#track(key, cached, aggregate, id, false);
    return this.#fetch(aggregate, id, key).then((found) => {
      if (found === undefined) this.#missed = (this.#missed ?? new Set()).add(key);
      // another load of it, or an add, may have come first while this one waited
      const meanwhile = this.#tracked.get(key);
      if (meanwhile !== undefined) return meanwhile.removed ? undefined : meanwhile.root;
      return found && this.#track(key, found, aggregate, id, true);
    });
  }

  async #fetch(aggregate: AggregateClass, id: string, key: string): Promise<Loaded> {
    const { documents: reader, log } = this.reads;
    const { tenant } = this.cause;
    if (!aggregate[definition].eventSourced) {
      const documents = await reader.get(aggregate[definition].name, tenant, [id]);
      const document = documents.get(id);
      return document === undefined ? undefined : fromDocument(aggregate, document);
    }
    const stream = streamOf(aggregate, tenant, id);
    const known = this.#takeCarried(key) ?? this.#takeCached(key);
    if (known === undefined) return hydrate(this.#runtime, log, aggregate, stream, this.writing.readsCommitted);
    if ((await catchUp(known, log, stream)) !== "diverged") return known;
    return hydrate(this.#runtime, log, aggregate, stream, this.writing.readsCommitted);
  }

  #takeCarried(key: string): AggregateRoot | undefined {
    const carried = this.#carried.get(key);
    this.#carried.delete(key);
    return carried?.root;
  }

  /** None in a transaction of the caller's, where an aggregate may be ahead of what is stored. */
  #takeCached(key: string): AggregateRoot | undefined {
    return this.writing.isJoined ? undefined : this.#runtime.cache.take(key);
  }

  #track(key: string, root: AggregateRoot, aggregate: AggregateClass, id: string, verified: boolean): AggregateRoot {
    this.#assertOpen();
    if (this.#readOnly) AggregateRoot.seams.lock(root, "query");
    else AggregateRoot.seams.unlock(root);
    this.#tracked.set(key, { key, root, aggregate, id, base: root.version, added: false, removed: false, verified });
    return root;
  }

  /** What a query found: the instance in hand, if there is one; undefined for one that was removed here. */
  found(aggregate: AggregateClass, document: StoredDocument): Loaded {
    this.#assertOpen();
    const key = this.#keyOf(aggregate, document.id);
    const known = this.#tracked.get(key);
    if (known !== undefined) return known.removed ? undefined : known.root;
    return this.#track(key, fromDocument(aggregate, document), aggregate, document.id, true);
  }

  /** Registers an aggregate to be saved. */
  add(root: AggregateRoot): void {
    this.#register(root, false);
  }

  /** Registers a state-stored aggregate to be removed. */
  remove(root: AggregateRoot): void {
    this.#register(root, true);
  }

  /** Registers a command to be handed in. */
  send(append: Append): void {
    this.#assertOpen();
    this.#sent.push(append);
  }

  /** The events of what was added so far, in the order in which they were raised, without those that are known. */
  raisedBesides(known: ReadonlySet<object>): readonly RaisedEvent[] {
    const added = [...this.#tracked.values()].filter((one) => one.added);
    return raisedEvents(this.#runtime, this, added, known);
  }

  #register(root: AggregateRoot, removed: boolean): void {
    this.#assertOpen();
    const own = definitionOfRoot(root);
    const aggregate = this.#runtime.registry.aggregates.get(own.name);
    if (aggregate === undefined) throw unknownAggregate(own.name);
    refuseRedeclared(root, own.shape); // a constructor cannot see the class fields that come after it
    if (own.eventSourced && root.version === -1) throw nothingRaised(own.name);
    const id = aggregateIdentity(root);
    if (id === undefined) throw withoutIdentity(own.name, own.shape.identifier.name);
    const key = this.#keyOf(aggregate, id);
    const known = this.#tracked.get(key);
    if (known !== undefined && known.root !== root) throw duplicate(own.name, id);
    const base = root.version - (own.eventSourced ? AggregateRoot.seams.pending(root).length : 0);
    this.#tracked.set(key, {
      key,
      root,
      aggregate,
      id,
      base: known?.base ?? base,
      added: true,
      removed,
      verified: known?.verified ?? true,
    });
  }

  /**
   * What can be said against a commit before the store is asked.
   *
   * @throws NereusError INNER_FAILURE_SWALLOWED, AGGREGATE_NOT_ADDED, STATEMENT_NOT_AWAITED
   */
  assertComplete(): void {
    this.#assertOpen();
    this.writing.handOver();
    if (this.innerFailure !== undefined) throw swallowed(this.innerFailure.error);
    for (const { root, added, id, aggregate } of this.#tracked.values()) {
      if (added || (AggregateRoot.seams.pending(root).length === 0 && !AggregateRoot.seams.changed(root))) continue;
      throw notAdded(aggregate[definition].name, id);
    }
  }

  /** What it comes to, as one commit. From here on nothing can be added to it. */
  prepare(idempotency: Commit["idempotency"], checkpoint: Commit["checkpoint"]): Commit | Promise<Commit> {
    this.#end();
    const { cause, lineage } = this;
    const tracked = [...this.#tracked.values()];
    const work = { cause, lineage, tracked, sent: this.#sent, idempotency, checkpoint, transaction: this.writing };
    const commit = commitOf(this.#runtime, work);
    return commit instanceof Promise ? commit.then((all) => this.#sized(all)) : this.#sized(commit);
  }

  #sized(commit: Commit): Commit {
    const { limits, registry } = this.#runtime;
    assertSizes(limits, this.#target?.aggregate[definition].name ?? registry.domain, commit);
    return commit;
  }

  /** Writes everything, or nothing. */
  write(commit: Commit): Promise<CommitOutcome> {
    const isNothing = writesNothing(commit) && !this.writing.isBegun;
    return isNothing ? this.#writeNothing() : this.writing.commit(commit);
  }

  withdraw(commit: Commit): boolean {
    return this.writing.withdraw(commit);
  }

  /** Ends it from outside, while its handler may still run: nothing of it is stored, and the handler can change nothing any more. */
  close(): void {
    this.#end();
    this.#isForsaken = true;
    void this.writing.rollback({ atOnce: true })?.catch(() => undefined);
  }

  /** Leaves nothing of the SQL that handlers have run in it, if it was not committed, and takes no more of it. */
  rollback(): Promise<void> | undefined {
    return this.writing.rollback();
  }

  /** Whoever still holds an aggregate can change it no more: the change would be in no commit. */
  #end(): void {
    this.#closed = true;
    for (const { root } of this.#tracked.values()) AggregateRoot.seams.lock(root, "ended");
  }

  async #writeNothing(): Promise<CommitOutcome> {
    return { status: "committed", position: await this.reads.log.head() };
  }

  /** After a commit: the aggregates are as stored, and may serve the next command. */
  saved(commit: Commit): void {
    const written = charactersOf(commit);
    for (const tracked of this.#tracked.values()) {
      const { key, root, aggregate } = tracked;
      AggregateRoot.seams.saved(
        root,
        isChangedDocument(tracked) ? root.version + 1 : root.version,
        lastMessageOf(root),
      );
      if (this.writing.isJoined || !aggregate[definition].eventSourced) continue;
      if (isSnapshotDue(tracked))
        this.#runtime.snapshots.keep(root, streamOf(aggregate, this.cause.tenant, tracked.id));
      this.#runtime.cache.put(key, root, written, tracked.base);
    }
  }

  /** Whether the aggregate was looked for and not there: then finding it in a conflict is a race, not a mistake. */
  missed(name: string, id: string): boolean {
    const aggregate = this.#runtime.registry.aggregates.get(name);
    return aggregate !== undefined && this.#missed?.has(this.#keyOf(aggregate, id)) === true;
  }

  /** Whether something rests on a cached aggregate that the commit will not check, because it raised nothing. */
  get unchecked(): boolean {
    for (const { verified, root } of this.#tracked.values()) {
      if (!verified && AggregateRoot.seams.pending(root).length === 0) return true;
    }
    return false;
  }

  /**
   * Whether a decision rests on an aggregate that was taken from the cache while another process has moved on. Those
   * that raised nothing are brought up to date; after a failure, all are, and what they raised is taken back. One of which the log
   * has gone back is read anew by the next attempt.
   */
  async wasStale(failed: boolean): Promise<boolean> {
    this.#end();
    this.#isReusable = false; // until every replay has gone through
    let stale = false;
    for (const { key, verified, root, aggregate, id } of this.#tracked.values()) {
      if (verified || (!failed && AggregateRoot.seams.pending(root).length > 0)) continue;
      AggregateRoot.seams.undoUnsaved(root);
      const stream = streamOf(aggregate, this.cause.tenant, id);
      const caughtUp = await catchUp(root, this.reads.log, stream);
      if (caughtUp !== "unchanged") stale = true;
      if (caughtUp === "diverged") this.#diverged = (this.#diverged ?? new Set()).add(key);
    }
    this.#isReusable = true;
    return stale;
  }

  /** The first conflict that a commit would meet now: another process has moved on since the aggregates were loaded. */
  async conflict(): Promise<Conflict | undefined> {
    for (const tracked of this.#tracked.values()) {
      const conflict = await conflictWith(tracked, this.cause.tenant, this.reads);
      if (conflict !== undefined) return conflict;
    }
    return undefined;
  }

  /** Takes every change back: nothing of it is stored, and an event that was raised may be raised again. */
  takeBack(): void {
    for (const { root } of this.#tracked.values()) AggregateRoot.seams.undoUnsaved(root);
  }

  /** Takes every change back and hands the loaded aggregates on, brought up to date with what the conflict brought. */
  carry(conflict?: Conflict): Carried["aggregates"] {
    this.#end();
    this.takeBack();
    const carried = new Map<string, CarriedAggregate>();
    for (const tracked of this.#tracked.values()) {
      if (tracked.base === -1) continue; // new here: the next attempt makes its own
      const current = this.#diverged?.has(tracked.key) === true ? undefined : carriedFrom(tracked, conflict);
      if (current !== undefined) carried.set(tracked.key, current);
    }
    return carried;
  }

  /** Ends it without a trace. What was changed is taken back, so the loaded aggregates can serve the next command. */
  abandon(): void {
    this.#end();
    this.takeBack();
    for (const { key, root, aggregate, base } of this.#tracked.values()) {
      const isWhole = this.#isReusable && !this.#isForsaken && this.#diverged?.has(key) !== true;
      const isStored = isWhole && this.writing.readsCommitted;
      if (isStored && base !== -1 && aggregate[definition].eventSourced) this.#runtime.cache.put(key, root);
    }
  }

  #assertOpen(): void {
    if (!this.#closed) return;
    throw new NereusError("UNIT_OF_WORK_CLOSED", "A handler's context was used after the handler had ended", {
      fix: "Await everything that the handler starts before it returns.",
    });
  }
}

/** The last message of an aggregate whose pending events are stored now. */
function lastMessageOf(root: AggregateRoot): string | undefined {
  const last = AggregateRoot.seams.pending(root).at(-1);
  return last === undefined ? AggregateRoot.seams.lastMessage(root) : messageId(last.event);
}
