import type { AggregateRoot } from "../model/aggregate-root.ts";

/** The place of an aggregate, in a list from the one that was used least recently to the one that was used last. */
interface Place {
  readonly key: string;
  /** Undefined while a unit of work has it. */
  root: AggregateRoot | undefined;
  /** In characters of its JSON, when that was measured. */
  size: number;
  /** What it may have grown by since. */
  growth: number;
  version: number;
  older: Place | undefined;
  newer: Place | undefined;
}

/** Characters that an event counts as which another process has written. */
const unseenEvent = 256;
/** Characters that any aggregate takes at least. */
const leastSize = 256;

/**
 * Aggregates as they were last saved, so that the next command needs no read. Bounded by number and by size, least recently
 * used first out. An aggregate is taken out by one unit of work at a time, and put back only when that has succeeded; its place is kept meanwhile, and
 * counts as one.
 */
export class AggregateCache {
  readonly #most: number;
  readonly #mostSize: number;
  /** Changed only for what comes and goes: a map whose entries are put back again and again is copied again and again. */
  readonly #places = new Map<string, Place>();
  #oldest: Place | undefined;
  #newest: Place | undefined;
  #size = 0;

  /**
   * @param most how many aggregates to keep; 0 keeps none
   * @param mostSize how many characters of JSON they may come to together
   */
  constructor(most: number, mostSize: number = Number.POSITIVE_INFINITY) {
    this.#most = most;
    this.#mostSize = mostSize;
  }

  take(key: string): AggregateRoot | undefined {
    const place = this.#places.get(key);
    const root = place?.root;
    if (place === undefined || root === undefined) return undefined;
    place.root = undefined;
    this.#size -= place.size;
    return root;
  }

  /**
   * @param written how many characters of events were stored with it
   * @param base the version that it had before those
   */
  put(key: string, root: AggregateRoot, written = 0, base: number = root.version): void {
    if (this.#most === 0) return;
    const place = this.#places.get(key);
    if (place === undefined) this.#add(key, root);
    else if (place.root !== undefined && place.root.version > root.version) return;
    else this.#putBack(place, root, written + unseenEvent * (base - place.version));
    while (this.#places.size > this.#most || (this.#size > this.#mostSize && this.#oldest !== undefined)) {
      this.#drop(this.#oldest as Place);
    }
  }

  #add(key: string, root: AggregateRoot): void {
    const { version } = root;
    const place: Place = { key, root, size: sizeOf(root), growth: 0, version, older: undefined, newer: undefined };
    this.#places.set(key, place);
    this.#size += place.size;
    this.#link(place);
  }

  /** Measures it where it may have doubled: so what is measured is no more than what was stored. One that is behind what was known is another. */
  #putBack(place: Place, root: AggregateRoot, growth: number): void {
    if (place.root !== undefined) this.#size -= place.size;
    place.growth += growth;
    if (place.growth > place.size || root.version < place.version) {
      place.size = sizeOf(root);
      place.growth = 0;
    }
    place.root = root;
    place.version = root.version;
    this.#size += place.size;
    if (place === this.#newest) return;
    this.#unlink(place);
    this.#link(place);
  }

  #link(place: Place): void {
    place.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = place;
    else this.#newest.newer = place;
    this.#newest = place;
  }

  /** It lets go of its neighbours: it may be known longer than they are. */
  #unlink(place: Place): void {
    const { older, newer } = place;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    place.older = undefined;
    place.newer = undefined;
  }

  #drop(place: Place): void {
    this.#places.delete(place.key);
    this.#unlink(place);
    if (place.root !== undefined) this.#size -= place.size;
  }

  clear(): void {
    this.#places.clear();
    this.#oldest = undefined;
    this.#newest = undefined;
    this.#size = 0;
  }
}

function sizeOf(root: AggregateRoot): number {
  try {
    return leastSize + JSON.stringify(root).length;
  } catch {
    return leastSize; // a state that has no JSON form: its events tell when to look again
  }
}
