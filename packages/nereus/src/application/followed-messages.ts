import type { StoredMessage } from "../log/message.ts";
import type { LogFilter, LogPage } from "../ports/store.ts";
import type { KnownSources } from "./event-sources.ts";

/**
 * Which messages a subscription reads: events of its types, in the categories of the aggregates that raise them, unless others are named. Where other
 * applications write to the log, an event of theirs may have the name of one of ours. An event that no aggregate of the domain raises comes from
 * wherever it is.
 */
export class FollowedMessages {
  readonly filter: Pick<LogFilter, "types" | "categories">;
  /** By type: undefined where any category will do. */
  readonly #categories: ReadonlyMap<string, readonly string[] | undefined>;

  constructor(sources: Pick<KnownSources, "of">, types: Iterable<string>, named: readonly string[] | undefined) {
    this.#categories = new Map([...types].map((type) => [type, named ?? sources.of(type)]));
    const lists = [...this.#categories.values()];
    this.filter = {
      types: [...this.#categories.keys()],
      ...(lists.includes(undefined) ? {} : { categories: [...new Set(lists.flatMap((list) => list ?? []))] }),
    };
  }

  /** A page without what has a type of one aggregate's in a category of another's. */
  of(page: LogPage): LogPage {
    return page.messages.every((message) => this.#has(message))
      ? page
      : { ...page, messages: page.messages.filter((message) => this.#has(message)) };
  }

  #has({ type, stream }: StoredMessage): boolean {
    return this.#categories.get(type)?.includes(stream.category) ?? true;
  }
}
