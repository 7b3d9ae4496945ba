import type { DeliverOptions } from "../application/delivery.ts";
import type { Subscriber } from "../application/subscriber.ts";
import { type Domain, deliverTo } from "../domain/domain.ts";
import type { OptionsOf, Tenancy } from "../domain/tenancy.ts";

/**
 * Hands another system's message to its subscriber, as a broker would, and waits until it is handled. Here a message is written by
 * hand, and typed as the subscriber's schema takes it; `domain.deliver` takes what really comes from outside.
 *
 * @param options without an `id`, each delivery is a message of its own
 * @throws ValidationError VALIDATION_FAILED for a message that is not as the subscriber says
 * @throws NereusError UNKNOWN_SERVICE for a subscriber that is not an element of the domain
 * @example
 * await deliver(bank, gateway, { account: "1", cents: 500, state: "completed" }, { id: "m-1" });
 */
export async function deliver<I, T extends Tenancy>(
  domain: Domain<T>,
  subscriber: Subscriber<I>,
  message: NoInfer<I>,
  ...[options = {}]: OptionsOf<T, Partial<DeliverOptions>>
): Promise<void> {
  await domain.start();
  await deliverTo(domain, subscriber, message, options);
}
