import { type Duration, millisecondsOf } from "../../model/duration.ts";
import { NereusError } from "../../model/errors.ts";
import type { Store, WeakerPromise } from "../../ports/store.ts";
import type { MessageDbPool } from "./pool.ts";
import { MessageDbStore } from "./store.ts";

export type { CategoryRead } from "./category-reader.ts";
export { readCategory } from "./category-reader.ts";
export type { MessageDbClient, MessageDbPool } from "./pool.ts";
export { setUp } from "./set-up.ts";
export { streamName, streamOfName } from "./stream-names.ts";

export interface MessageDbOptions {
  /** A `Pool` of `pg`, of the database that Message DB is in. Whoever made it ends it. */
  readonly pool: MessageDbPool;
  /** The store of everything that is no message: documents, checkpoints, the outbox, timers. Opened and closed with this one. */
  readonly documents: Store;
  /** Promises that may be kept in their weaker form, by name. Default: none; what needs one is refused. */
  readonly weaker?: readonly WeakerPromise[];
  /** How long a server that is away, or a transaction of somebody else's, is waited for, 0: not at all. Default: 10 seconds. */
  readonly patience?: Duration;
}

const promises: readonly WeakerPromise[] = ["state-with-events", "events-with-documents"];

/**
 * A log in Message DB, the event store of the Eventide project on PostgreSQL, beside its other clients; everything else in a second
 * store. A commit of messages, of one stream or several, is atomic; so is one of documents. One of both is not, and is
 * refused unless the promise is accepted in its weaker form.
 *
 * @throws NereusError OPTION_INVALID
 * @example
 * const pool = new Pool({ connectionString: process.env.MESSAGE_STORE_URL });
 * await setUp({ pool });
 * const bank = new Domain("bank", { elements, store: messageDb({ pool, documents: sqlite("bank.db") }) });
 */
export function messageDb(options: MessageDbOptions): Store {
  const fault = faultIn(options);
  if (fault !== undefined) {
    throw new NereusError("OPTION_INVALID", `A store on Message DB cannot be made: ${fault}`, {
      fix: `Write messageDb({ pool, documents: sqlite("bank.db") }), with weaker: ["${promises.join('", "')}"] if need be.`,
    });
  }
  const { pool, documents, weaker = [], patience = 10_000 } = options;
  return new MessageDbStore(pool, documents, weaker, millisecondsOf(patience));
}

function faultIn(options: MessageDbOptions): string | undefined {
  if (typeof options !== "object" || options === null) return "the options are not an object";
  const { pool, documents, weaker = [], patience = 0, ...unknown } = options;
  const [name] = Object.keys(unknown);
  if (name !== undefined) return `there is no option ${name}`;
  if (typeof pool?.query !== "function" || typeof pool.connect !== "function") return "pool is no pool of connections";
  if (typeof documents?.commit !== "function") return "documents is no store";
  if (!documents.capabilities.has("transactional")) return `${documents.name} is not transactional`;
  if (Number.isNaN(millisecondsOf(patience))) return `patience is ${String(patience)}`;
  const stranger = Array.isArray(weaker) ? weaker.find((one) => !promises.includes(one)) : weaker;
  return stranger === undefined ? undefined : `weaker has ${JSON.stringify(stranger)}`;
}
