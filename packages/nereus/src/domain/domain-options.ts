import type { Clock, Log } from "../application/context.ts";
import type { Enrichers } from "../application/enrichers.ts";
import type { ProcessOptions } from "../application/process-options.ts";
import type { Registry } from "../application/registry.ts";
import type { SendOptions } from "../application/send-options.ts";
import type { SizeLimits } from "../application/size-limits.ts";
import type { CallOptions } from "../application/use-cases.ts";
import { type Duration, millisecondsOf } from "../model/duration.ts";
import { definition, type Element } from "../model/element.ts";
import { type ModelFault, NereusError } from "../model/errors.ts";
import type { ProjectionClass } from "../model/projection.ts";
import type { Store, WeakerPromise } from "../ports/store.ts";
import type { Tenancy } from "./tenancy.ts";

export interface DomainOptions<T extends Tenancy = "optional"> {
  /** Aggregates, projections, and what `commandHandlers`, `queryHandlers`, `projector` and `registry` return. */
  readonly elements: readonly Element[];
  /** `memory()`, `sqlite(path)`, `postgres({ pool })` or `messageDb(…)`: one of its own for each domain, which opens and closes it. */
  readonly store: Store;
  /**
   * What the domain was called before: its store, which is only ever one domain's, is then known as its own.
   *
   * @example new Domain("treasury", { formerly: ["bank"], elements, store: sqlite("bank.db") });
   */
  readonly formerly?: readonly string[] | undefined;
  /**
   * `required`: a call from outside without a tenant does not compile, and is refused as `TENANT_REQUIRED`. Default: `optional`, where a call
   * without one is of the tenant `""`.
   */
  readonly tenancy?: T | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
  /** Default: `console`. */
  readonly log?: Log | undefined;
  /**
   * How long whatever a handler runs in may take: commands, calls of services, messages of subscribers, queries, each run of a handler of events, the
   * storing of a sent command. A list of command handlers and the caller of a command may say otherwise. Default: no limit.
   */
  readonly timeout?: Duration | undefined;
  /** How often a command is tried again after a conflict, with growing pauses. Default: 20. */
  readonly retries?: number | undefined;
  /** What adds to the metadata of messages. */
  readonly enrichers?: Enrichers | undefined;
  /** How many aggregates are kept in memory between commands. Default: 10,000; 0 keeps none. */
  readonly cachedAggregates?: number | undefined;
  /** How large they may be together, in characters of their JSON. Default: 64 million; whichever of both is reached first counts. */
  readonly cachedCharacters?: number | undefined;
  /** The most that is stored at once. Default: 16 MiB for a message, 64 MiB for a commit. */
  readonly limits?: SizeLimits | undefined;
}

/** How a command is processed, and what is waited for. */
export interface DomainProcessOptions extends ProcessOptions {
  /** Returns when these async projections show what the command did. */
  readonly visibleIn?: readonly ProjectionClass[] | undefined;
}

/** How a command is sent, and what is known of the request that it comes from. */
export interface DomainSendOptions
  extends SendOptions,
    Omit<CallOptions, "occurredAt">,
    Pick<ProcessOptions, "transaction"> {}

export interface TenantOptions {
  readonly tenant?: string | undefined;
}

/** A store that cannot keep a promise of the model is refused, never silently weaker, unless its user accepted that by name. */
export function weakenedPromises(_domain: string, registry: Registry, store: Store): ModelFault[] {
  if (store.capabilities.has("transactional")) return [];
  const faults: ModelFault[] = [];
  for (const aggregate of registry.aggregates.values()) {
    const { name, eventSourced, appliers, options } = aggregate[definition];
    if (eventSourced || (appliers.size === 0 && options.factEvents !== true)) continue;
    if (!store.weaker?.has("state-with-events"))
      faults.push(weakened(store, name, "the state of an aggregate together with its events", "state-with-events"));
  }
  for (const { projection } of registry.inline) {
    const { name, unique } = projection[definition];
    if (unique.length > 0) {
      faults.push({
        code: "STORE_CAPABILITY_MISSING",
        element: name,
        message: `${store.name} cannot refuse events because a row's values are taken`,
        fix: "Use a transactional store: memory(), sqlite(path) or postgres({ pool }); or leave unique out.",
      });
    }
    if (!store.weaker?.has("events-with-documents"))
      faults.push(weakened(store, name, "the rows of an inline projection with their events", "events-with-documents"));
  }
  return faults;
}

function weakened(store: Store, element: string, what: string, promise: WeakerPromise): ModelFault {
  return {
    code: "STORE_CAPABILITY_MISSING",
    element,
    message: `${store.name} cannot commit ${what} (the promise ${promise})`,
    fix: `Use a transactional store (memory(), sqlite(path), postgres({ pool })), or accept it in its weaker form: weaker: ["${promise}"].`,
  };
}

/** With a slip in `tenancy`, no call would have to say its tenant. */
const optionNames: Readonly<Record<keyof DomainOptions, true>> = {
  elements: true,
  store: true,
  formerly: true,
  tenancy: true,
  clock: true,
  log: true,
  timeout: true,
  retries: true,
  enrichers: true,
  cachedAggregates: true,
  cachedCharacters: true,
  limits: true,
};

/** For callers without types. @throws NereusError OPTION_INVALID */
export function assertDomainOptions(name: unknown, options: DomainOptions<Tenancy>): void {
  const fault = faultOfOptions(name, options);
  if (fault === undefined) return;
  throw new NereusError("OPTION_INVALID", `A domain cannot be made: ${fault}`, {
    fix: 'Write new Domain("bank", { elements: [Account, accountCommands], store: sqlite("bank.db") }).',
  });
}

function faultOfOptions(name: unknown, options: DomainOptions<Tenancy>): string | undefined {
  if (typeof name !== "string" || name === "") return "it has no name";
  if (!Array.isArray(options?.elements)) return "elements is not a list";
  if (typeof options.store !== "object" || options.store === null) return "store is not a store";
  const { formerly = [] } = options;
  if (!Array.isArray(formerly) || formerly.some((one) => typeof one !== "string" || one === "")) {
    return "formerly is not a list of names";
  }
  const unknown = Object.keys(options).find((given) => !Object.hasOwn(optionNames, given));
  if (unknown !== undefined) return `there is no option ${unknown}`;
  if (![undefined, "optional", "required"].includes(options.tenancy)) return "tenancy is neither optional nor required";
  const { retries, cachedAggregates, cachedCharacters, limits, clock, timeout } = options;
  if (![retries, cachedAggregates, cachedCharacters].every(isCount))
    return "retries, cachedAggregates and cachedCharacters are whole numbers from 0";
  if (clock !== undefined && typeof clock?.now !== "function") return "clock has no function named now";
  if (timeout !== undefined && !(millisecondsOf(timeout) > 0)) return "timeout is not a span above 0";
  if ([limits?.messageBytes, limits?.commitBytes].every(isCount)) return undefined;
  return "limits.messageBytes and limits.commitBytes are whole numbers from 0";
}

function isCount(value: unknown): boolean {
  return value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0);
}
