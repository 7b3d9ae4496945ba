import type { StreamId } from "../log/message.ts";
import type { Commit, Store } from "../ports/store.ts";
import type { Cancellation, Receipt } from "./send-options.ts";
import { effectKeyOf, endKeyOf, endOf, type SentCommand, sentCommand, timerOwner } from "./sent-command.ts";

/** What has to be known of a sent command to take it back. */
export type Sent = Pick<SentCommand, "key"> & {
  readonly message: Pick<SentCommand["message"], "id" | "type" | "position" | "stream">;
};

/** The receipts of sent commands. */
export class Receipts {
  readonly #store: Store;
  readonly #isUnderWay: (commandId: string) => boolean;

  /** @param isUnderWay whether this process runs the handler of a command */
  constructor(store: Store, isUnderWay: (commandId: string) => boolean) {
    this.#store = store;
    this.#isUnderWay = isUnderWay;
  }

  of(sent: Sent): Receipt {
    return new SentReceipt(sent, (reason) => this.#cancel(sent, reason));
  }

  /** The receipt of a command that is in the log. */
  async find(stream: StreamId, type: string): Promise<Receipt | undefined> {
    const [message] = await this.#store.log.readStream(stream, { limit: 1 });
    return message?.type === type ? this.of(sentCommand(message)) : undefined;
  }

  /** Takes the place of the outcome that handling it would store: the store lets only one of them in. */
  async #cancel({ message, key }: Sent, reason: string | undefined): Promise<Cancellation> {
    if (this.#isUnderWay(message.id)) return "underWay";
    const { tenant } = message.stream;
    const result = JSON.stringify({ cancelled: reason ?? null });
    const checkpoint = endOf(message, key);
    const commit: Commit = {
      idempotency: { tenant, key: endKeyOf(message, key), fingerprint: message.type, result },
      timers: [{ owner: timerOwner, id: message.id, at: null }],
      ...(checkpoint === undefined ? {} : { checkpoint }),
    };
    const outcome = await this.#store.commit(commit);
    if (outcome.status === "conflict") return "handled";
    if (outcome.status === "duplicate") return isCancellation(outcome.record.result) ? "cancelled" : "handled";
    // another command with the same key may have taken effect in the place of this one
    const effect = await this.#store.records.idempotency(tenant, key ?? effectKeyOf(message));
    return effect === undefined || isCancellation(effect.result) ? "cancelled" : "handled";
  }
}

function isCancellation(result: string | null): boolean {
  return result?.startsWith('{"cancelled":') === true;
}

class SentReceipt implements Receipt {
  readonly commandId: string;
  readonly position: number;
  readonly #cancel: Receipt["cancel"];

  constructor({ message }: Sent, cancel: Receipt["cancel"]) {
    this.commandId = message.id;
    this.position = message.position;
    this.#cancel = cancel;
  }

  cancel(reason?: string): Promise<Cancellation> {
    return this.#cancel(reason);
  }
}
