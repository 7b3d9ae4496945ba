import type { Envelope } from "../log/event-types.ts";
import { isThenable, raisedCount } from "../model/aggregate-root.ts";
import type { Cause } from "./cause.ts";
import { type Extensions, encodeExtensions } from "./enrichers.ts";

/** The events raised between two moments, and the message whose handler was at work then. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly id: string;
}

/** Which message caused which event of a unit of work, where commands and handlers of events call each other. */
export class Lineage {
  readonly #cause: Cause;
  /** In the order in which they ended: inner ones first. */
  readonly #spans: Span[] = [];
  /** By the order of their events. */
  readonly #enriched = new Map<number, Envelope>();

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
    const span = this.#spanAt(order);
    return span === undefined ? envelope : { ...envelope, causationId: span.id };
  }

  /** The same with what enrichers add, who are asked once: handlers and the log are told the same. */
  enrichedAt(order: number, extensions: () => Extensions): Envelope {
    const known = this.#enriched.get(order);
    if (known !== undefined) return known;
    const envelope = { ...this.envelopeAt(order), extensions: encodeExtensions(extensions()) };
    this.#enriched.set(order, envelope);
    return envelope;
  }

  /** The first to end of those that an event was raised in: the innermost. */
  #spanAt(order: number): Span | undefined {
    const spans = this.#spans;
    let [low, high] = [0, spans.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((spans[middle] as Span).to > order) high = middle;
      else low = middle + 1;
    }
    while (low < spans.length && (spans[low] as Span).from > order) low += 1;
    return spans[low];
  }
}
