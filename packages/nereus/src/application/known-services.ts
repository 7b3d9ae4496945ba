import { definitionOf } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import type { ApplicationServiceDefinition } from "./application-service.ts";
import type { Registry } from "./registry.ts";
import type { SubscriberDefinition } from "./subscriber.ts";

/**
 * The application service that was given: the element, or the class that is one in this domain.
 *
 * @throws NereusError UNKNOWN_SERVICE
 */
export function knownService({ services, domain }: Registry, given: unknown): ApplicationServiceDefinition {
  const own = definitionOf<ApplicationServiceDefinition>(given, "applicationService");
  return known(services, own, own === undefined && typeof given === "function" ? given : undefined, domain);
}

/** The subscriber that was given, likewise. @throws NereusError UNKNOWN_SERVICE */
export function knownSubscriber({ subscribers, domain }: Registry, given: unknown): SubscriberDefinition {
  const own = definitionOf<SubscriberDefinition>(given, "subscriber");
  return known(subscribers, own, own?.type, domain);
}

interface Known {
  readonly name: string;
  /** The decorated class, of which each start of a domain makes another element. */
  readonly type?: object | undefined;
}

function known<D extends Known>(
  all: ReadonlyMap<string, D>,
  own: D | undefined,
  type: (object & { readonly name?: string }) | undefined,
  domain: string,
): D {
  if (own !== undefined) {
    const same = all.get(own.name);
    if (same === own) return own;
  }
  if (type !== undefined) for (const one of all.values()) if (one.type === type) return one;
  throw unknownService(domain, own?.name ?? type?.name);
}

function unknownService(domain: string, name = "What was given"): NereusError {
  return new NereusError("UNKNOWN_SERVICE", `${name} is not an element of domain ${domain}`, {
    element: name,
    fix: "Add it to the domain's elements, and hand in the same one; of a decorated class, add its registry.",
  });
}
