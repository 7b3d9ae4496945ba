import { randomUUID } from "node:crypto";
import { derivedId } from "../../log/derived-id.ts";
import type { CheckpointMove, IdempotencyRecord, RecordReader, Store } from "../../ports/store.ts";

type Claim = Omit<IdempotencyRecord, "position">;

/** What commits once together with messages: the outcome of a command that has a key, the step past an event. With their ids in the log. */
export interface Once {
  readonly claim?: { readonly id: string; readonly of: Claim } | undefined;
  readonly step?: { readonly id: string; readonly of: CheckpointMove } | undefined;
}

/** Where the second store keeps which application it is of. */
export const applicationNote = "nereus:message-db:application";
/** The note of a domain that a second store has had since before applications were told apart. */
const former = "nereus:domain";

/**
 * The ids under which it is in the log that something was done. Other applications write there too, with keys and subscriptions that may have the
 * names of ours: so what the ids follow from begins with what only this application has, a random text that its second store keeps.
 */
export class OnceIds {
  readonly #second: Store;
  #application = "";

  constructor(second: Store) {
    this.#second = second;
  }

  /** Once the second store is open. An application of before there was the note goes on with ids as it has them in the log. */
  async open(): Promise<void> {
    const { records } = this.#second;
    let stored = await this.#stored(records);
    if (stored === undefined) {
      const application = (await records.note(former)) === undefined ? randomUUID() : "";
      const data = JSON.stringify({ application });
      const outcome = await this.#second.commit({ notes: [{ name: applicationNote, expected: 0, data }] });
      stored = outcome.status === "committed" ? application : await this.#stored(records);
    }
    this.#application = stored ?? "";
  }

  async #stored(records: RecordReader): Promise<string | undefined> {
    const found = await records.note(applicationNote);
    return found && (JSON.parse(found.data) as { readonly application: string }).application; // written above
  }

  claim(tenant: string, key: string): string {
    return this.#id("claim", tenant, key);
  }

  of({ claim, step }: { claim?: Claim | undefined; step?: CheckpointMove | undefined }): Once {
    return {
      claim: claim && { id: this.claim(claim.tenant, claim.key), of: claim },
      step: step && { id: this.#id("step", step.name, String(step.position)), of: step },
    };
  }

  #id(...parts: readonly string[]): string {
    return this.#application === "" ? derivedId(...parts) : derivedId(this.#application, ...parts);
  }
}
