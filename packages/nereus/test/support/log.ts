import type { Store } from "nereus";
import type { StoredMessage } from "../../src/log/message.ts";

/** Every stored message of these kinds, oldest first, read page by page. The store must be open. */
export async function storedMessages(
  store: Store,
  kinds: readonly StoredMessage["stream"]["kind"][] = ["event"],
): Promise<StoredMessage[]> {
  const all: StoredMessage[] = [];
  for (let after = 0; ; ) {
    const page = await store.log.readLog({ after, limit: 500, kinds });
    all.push(...page.messages);
    if (page.messages.length < 500) return all;
    after = page.through;
  }
}
