import type { Envelope } from "../log/event-types.ts";
import { isThenable, raisedCount } from "../model/aggregate-root.ts";
import type { Cause } from "./cause.ts";

/** The events raised between two moments, and the message whose handler was at work then. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly id: string;
}

/** Which message caused which event of a unit of work, where commands and handlers of events call each other. */
export class Lineage {
  readonly #cause: Cause;
  /** Inner ones end first, so they stand first. */
  readonly #spans: Span[] = [];

  constructor(cause: Cause) {
    this.#cause = cause;
  }

  /** Runs the handler of a message: the events that are raised meanwhile are caused by it. */
  during<T>(id: string, run: () => T): T {
    const from = raisedCount();
    const close = (): void => {
      const to = raisedCount();
      if (to > from) this.#spans.push({ from, to, id });
    };
    let result: T;
    try {
      result = run();
    } catch (error) {
      close();
      throw error;
    }
    // a promise of the same value, as far as its caller can tell
    if (isThenable(result)) return Promise.resolve(result).finally(close) as T;
    close();
    return result;
  }

  /** @param order the place of an event among all that were raised in this process */
  envelopeAt(order: number): Envelope {
    const { envelope } = this.#cause;
    const span = this.#spans.find(({ from, to }) => order >= from && order < to);
    return span === undefined ? envelope : { ...envelope, causationId: span.id };
  }
}
