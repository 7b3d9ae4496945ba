import type { Append, CollectionShape, DocumentWrite, Store } from "../../ports/store.ts";
import type { LogWriter } from "./log-writer.ts";
import { writingOf } from "./written-rows.ts";

/** Where the second store keeps messages that are committed with documents until they are in the log. */
export const lateCollection: CollectionShape = {
  name: "nereus_late_messages",
  fields: [],
  indexes: [],
  unique: [],
};

const tenant = "";

/** Messages on their way from the second store into the log. Their ids make it harmless to write them twice. */
export class LateAppends {
  readonly #second: Store;
  readonly #writer: LogWriter;
  /** Whether some of this process did not get through. */
  #isBehind = false;

  constructor(second: Store, writer: LogWriter) {
    this.#second = second;
    this.#writer = writer;
  }

  /** What commits them together with documents. */
  kept(id: string, appends: readonly Append[]): DocumentWrite {
    const data = JSON.stringify({ appends });
    return { collection: lateCollection.name, tenant, id, expectedVersion: "none", data };
  }

  /** Writes those of an own commit; answers with the last position. */
  async write(id: string, appends: readonly Append[]): Promise<number> {
    this.#isBehind = true;
    const verdict = await this.#writer.write(writingOf(appends, {}));
    const position = verdict.status === "written" || verdict.status === "repeated" ? verdict.position : undefined;
    if (position === undefined) throw new Error(`late messages met ${verdict.status}`);
    await this.#forget(id);
    this.#isBehind = false;
    return position;
  }

  /** Those that an earlier commit of this process could not write, so that later ones do not pass them. */
  async catchUp(): Promise<void> {
    if (this.#isBehind) await this.flush();
  }

  /** Everything that is kept, by whichever process: what a crash left behind. */
  async flush(): Promise<number> {
    const kept = await this.#second.documents.find(lateCollection.name, tenant, {});
    for (const { id, data } of kept) {
      const { appends } = JSON.parse(data) as { readonly appends: readonly Append[] };
      await this.#writer.write(writingOf(appends, {}));
      await this.#forget(id);
    }
    this.#isBehind = false;
    return kept.length;
  }

  async #forget(id: string): Promise<void> {
    const removal = { collection: lateCollection.name, tenant, id, expectedVersion: "any", data: null } as const;
    await this.#second.commit({ documents: [removal] });
  }
}
