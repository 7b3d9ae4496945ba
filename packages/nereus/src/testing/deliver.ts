import type { Subscriber } from "../application/subscriber.ts";
import { type Domain, deliverTo } from "../domain/domain.ts";
import type { DomainSendOptions } from "../domain/domain-options.ts";

/** What is known of another system's message. */
export interface DeliverOptions
  extends Pick<DomainSendOptions, "tenant" | "correlationId" | "causationId" | "traceparent" | "extensions"> {
  /** The broker's id: a message takes effect once. Without it, each delivery is a message of its own. */
  readonly id?: string | undefined;
}

/**
 * Hands another system's message to its subscriber, as a broker would, and waits until it is handled.
 *
 * @throws ValidationError VALIDATION_FAILED for a message that is not as the subscriber says
 * @throws NereusError UNKNOWN_SERVICE for a subscriber that is not an element of the domain
 * @example
 * await deliver(bank, gateway, { account: "1", cents: 500, state: "completed" }, { id: "m-1" });
 */
export async function deliver(
  domain: Domain,
  subscriber: Subscriber,
  message: unknown,
  options: DeliverOptions = {},
): Promise<void> {
  await domain.start();
  await deliverTo(domain, subscriber, message, options);
}
