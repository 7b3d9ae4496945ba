import { NereusError } from "../model/errors.ts";

/** Whether every call of a domain from outside has to say whose it is. */
export type Tenancy = "optional" | "required";

/** What the options of a call hold where tenants are required; elsewhere nothing is asked. */
export type OfTenant<T extends Tenancy> = "required" extends T ? { readonly tenant: string } : unknown;

/** The options of a call, as its last parameter: only where tenants are required have they to be given. */
export type OptionsOf<T extends Tenancy, O> = "required" extends T
  ? [options: O & { readonly tenant: string }]
  : [options?: O];

/**
 * Refuses a call that does not say whose it is, where it has to. What is in the log already is handled as what it was stored as.
 *
 * @param what was called, as its caller writes it
 * @throws NereusError TENANT_REQUIRED
 */
export function requireTenant(
  { name, tenancy }: { readonly name: string; readonly tenancy: Tenancy },
  what: string,
  tenant: unknown,
): void {
  if (tenancy !== "required" || (tenant !== undefined && tenant !== null && tenant !== "")) return;
  throw new NereusError(
    "TENANT_REQUIRED",
    `${what} does not say of which tenant it is, and domain ${name} requires it`,
    {
      element: name,
      fix: 'Give { tenant: "…" } in the options of the call: a text with something in it.',
    },
  );
}
