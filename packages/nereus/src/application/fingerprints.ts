import { createHmac, hash, randomBytes } from "node:crypto";
import type { NoteWrite, Store } from "../ports/store.ts";

const note = "nereus:secret";

/**
 * By what the store knows again the payload that an idempotency key or the id of a message came with, without keeping it: payloads may be
 * personal, and a plain hash of a phone number is soon found by trying them all. So it is keyed by a secret of the store.
 */
export class Fingerprints {
  #secret: Buffer = randomBytes(32);

  /** Takes the store's secret, or gives it one; processes that start together agree on the first. */
  async begin(store: Store): Promise<void> {
    const known = await store.records.note(note);
    this.#secret = secretIn(known?.data) ?? this.#secret;
    if (known !== undefined) return;
    const first: NoteWrite = { name: note, expected: 0, data: JSON.stringify(this.#secret.toString("hex")) };
    const outcome = await store.commit({ notes: [first] });
    if (outcome.status === "conflict" && outcome.conflict.on === "note") {
      this.#secret = secretIn(outcome.conflict.current?.data) ?? this.#secret;
    }
  }

  of(text: string): string {
    return `keyed:${createHmac("sha256", this.#secret).update(text).digest("hex")}`;
  }

  /** Whether a stored one is of this text; earlier releases kept the plain hash. */
  isOf(text: string, stored: string): boolean {
    return stored === (stored.startsWith("keyed:") ? this.of(text) : hash("sha256", text));
  }
}

function secretIn(data: string | undefined): Buffer | undefined {
  return data === undefined ? undefined : Buffer.from(String(JSON.parse(data)), "hex");
}
