import type { StoredMessage } from "../../log/message.ts";
import type { LogFilter } from "../../ports/store.ts";

type Messages = readonly StoredMessage[];
type Lists = Map<string, StoredMessage[]>;

/**
 * Finds what a {@link LogFilter} asks for without scanning the rest of the log. The lists are brought up to date when
 * somebody reads, so that commits pay nothing for them.
 */
export class LogIndex {
  readonly #log: Messages;
  #indexed = 0;
  readonly #byKind: Lists = new Map();
  readonly #byCategory: Lists = new Map();
  readonly #byType: Lists = new Map();
  readonly #byTenant: Lists = new Map();
  readonly #byCorrelation: Lists = new Map();

  constructor(log: Messages) {
    this.#log = log;
  }

  /** The first messages of the filter, in the order of the log; no copies. */
  read(filter: LogFilter): Messages {
    this.#catchUp();
    return firstMatches(this.#candidates(filter), filter);
  }

  #catchUp(): void {
    for (; this.#indexed < this.#log.length; this.#indexed++) {
      const message = this.#log[this.#indexed];
      if (message === undefined) continue;
      const { kind, category, tenant } = message.stream;
      add(this.#byKind, kind, message);
      add(this.#byCategory, `${kind},${category}`, message);
      add(this.#byType, `${kind},${message.type}`, message);
      add(this.#byTenant, tenant, message);
      add(this.#byCorrelation, message.correlationId, message);
    }
  }

  /** Disjoint lists, each in log order, that together hold every match: from the index that promises the fewest. */
  #candidates(filter: LogFilter): readonly Messages[] {
    const { correlationId, categories, types, tenant } = filter;
    const kinds = [...new Set(filter.kinds ?? ["event"])];
    if (correlationId !== undefined) return listsOf(this.#byCorrelation, [correlationId]);
    if (types !== undefined) return listsOf(this.#byType, pairs(kinds, types));
    if (categories !== undefined) return listsOf(this.#byCategory, pairs(kinds, categories));
    if (tenant !== undefined && tenant !== "") return listsOf(this.#byTenant, [tenant]);
    return listsOf(this.#byKind, kinds);
  }
}

function add(lists: Lists, key: string, message: StoredMessage): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [message]);
  else list.push(message);
}

function pairs(kinds: readonly string[], names: readonly string[]): readonly string[] {
  return kinds.flatMap((kind) => [...new Set(names)].map((name) => `${kind},${name}`));
}

function listsOf(lists: Lists, keys: readonly string[]): readonly Messages[] {
  return keys.flatMap((key) => {
    const list = lists.get(key);
    return list === undefined ? [] : [list];
  });
}

/** Merges sorted lists by position, keeping what the filter lets through, until the page is full. */
function firstMatches(lists: readonly Messages[], filter: LogFilter): Messages {
  const matches = matcher(filter);
  const next = lists.map((list) => firstAfter(list, filter.after));
  const found: StoredMessage[] = [];
  while (found.length < filter.limit) {
    const list = lowest(lists, next);
    if (list === undefined) break;
    const message = lists[list]?.[next[list] ?? 0];
    next[list] = (next[list] ?? 0) + 1;
    if (message !== undefined && matches(message)) found.push(message);
  }
  return found;
}

/** The number of the list whose next message has the lowest position. */
function lowest(lists: readonly Messages[], next: readonly number[]): number | undefined {
  let best: number | undefined;
  let position = Number.POSITIVE_INFINITY;
  for (let at = 0; at < lists.length; at++) {
    const candidate = lists[at]?.[next[at] ?? 0];
    if (candidate === undefined || candidate.position >= position) continue;
    best = at;
    position = candidate.position;
  }
  return best;
}

function firstAfter(list: Messages, position: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle]?.position ?? 0) > position) high = middle;
    else low = middle + 1;
  }
  return low;
}

function matcher(filter: LogFilter): (message: StoredMessage) => boolean {
  const kinds: ReadonlySet<string> = new Set(filter.kinds ?? ["event"]);
  const categories = filter.categories && new Set(filter.categories);
  const types = filter.types && new Set(filter.types);
  const { tenant, correlationId } = filter;
  return ({ stream, type, correlationId: correlation }) =>
    kinds.has(stream.kind) &&
    (categories === undefined || categories.has(stream.category)) &&
    (types === undefined || types.has(type)) &&
    (tenant === undefined || stream.tenant === tenant) &&
    (correlationId === undefined || correlation === correlationId);
}
