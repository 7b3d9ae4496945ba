import type { StoredMessage } from "../../src/log/message.ts";
import type { Place } from "./places.ts";

/** Every stored message of these kinds, oldest first, read page by page. */
export async function storedMessages(
  place: Place,
  kinds: readonly StoredMessage["stream"]["kind"][] = ["event"],
): Promise<StoredMessage[]> {
  const store = await place.opened();
  const all: StoredMessage[] = [];
  for (let after = 0; ; ) {
    const page = await store.log.readLog({ after, limit: 500, kinds });
    all.push(...page.messages);
    if (page.messages.length < 500) return all;
    after = page.through;
  }
}
