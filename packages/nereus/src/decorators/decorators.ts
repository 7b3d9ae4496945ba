import { addRegistry, type Domain } from "../domain/domain.ts";
import type { Tenancy } from "../domain/tenancy.ts";
import type { Decorators } from "./class-decorators.ts";
import { registry } from "./registry.ts";

/**
 * The decorators that put classes among the elements of one domain, before it starts: those of a {@link registry} that is its alone. Each is
 * also a plain function: `commandHandler(Order)(OrderCommands)`. A registry of its own needs no domain where classes are declared, and serves
 * tests as well.
 *
 * Of a class of handlers, one instance is made at each start of the domain: by its constructor without arguments, or by
 * `create`. Methods are called on it, so that `this` is the instance.
 *
 * @throws NereusError from the decorators: DECORATOR_INVALID, and DOMAIN_ALREADY_STARTED when it is too late
 * @example
 * export const shop = new Domain("shop", { elements: [], store: sqlite("shop.db") });
 * const { aggregate, commandHandler, handle } = decorators(shop);
 *
 * @commandHandler(Order)
 * class OrderCommands {
 *   @handle(PlaceOrder) async place({ orderId, total }: PlaceOrder, { repository }: CommandContext) {
 *     await repository(Order).add(Order.create((order) => order.place(orderId, total)));
 *   }
 * }
 */
export function decorators(domain: Domain<Tenancy>): Decorators {
  const own = registry();
  addRegistry(domain, own);
  return own;
}
