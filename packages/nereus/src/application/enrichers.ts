import { isThenable } from "../model/aggregate-root.ts";
import { NereusError } from "../model/errors.ts";
import { freeze, frozenCopy } from "../model/freeze.ts";
import { assertJson } from "../model/wire.ts";

/** Metadata beside the payload of a message: request ids, user agents and the like. JSON. */
export type Extensions = Readonly<Record<string, unknown>>;

/**
 * What adds to the metadata of messages. Each list runs in its order; later keys win; what throws refuses the command.
 *
 * @example
 * new Domain("shop", { elements, store, enrichers: { commands: [() => ({ requestId: requests.getStore()?.id })] } });
 */
export interface Enrichers {
  /**
   * Of what comes in from outside: a command, or (undefined) a use case or another system's message. Everything that it leads to
   * carries what they add.
   */
  readonly commands?: readonly ((command: object | undefined) => Extensions | undefined)[];
  /** Of an event, with the aggregate that raised it: asked once, when an inline handler gets the event or else when it is saved. */
  readonly events?: readonly ((event: object, aggregate: object) => Extensions | undefined)[];
}

const none: Extensions = frozenCopy({});

/**
 * What was there and what enrichers add, frozen: it is shared by everything that the request leads to.
 *
 * @throws NereusError PAYLOAD_NOT_SERIALISABLE for what is not JSON, OPTION_INVALID for what is no object
 */
export function enriched(
  before: Extensions,
  enrichers: readonly ((...input: never[]) => Extensions | undefined)[],
  ...input: readonly unknown[]
): Extensions {
  if (enrichers.length === 0) return frozenCopy(before);
  let all = before;
  for (const enrich of enrichers) {
    const added: unknown = (enrich as (...input: readonly unknown[]) => unknown)(...input);
    if (added === undefined || added === null) continue;
    assertExtensions(added);
    all = { ...all, ...added };
  }
  return frozenCopy(all);
}

/** @throws NereusError OPTION_INVALID or PAYLOAD_NOT_SERIALISABLE */
export function assertExtensions(value: unknown): asserts value is Extensions {
  if (typeof value !== "object" || value === null || Array.isArray(value) || isThenable(value)) {
    throw badExtensions("they are no plain object");
  }
  if (reserved in value) throw badExtensions(`the key ${reserved} belongs to the framework`);
  assertJson(value, ["extensions"]);
}

/** Under this key, the framework keeps what it has to know of a message. */
export const reserved = "nereus";

export function encodeExtensions(extensions: Extensions): string | null {
  for (const _ in extensions) return JSON.stringify(extensions);
  return null;
}

/** What users see of stored extensions. */
export function decodeExtensions(stored: string | null): Extensions {
  if (stored === null) return none;
  const { [reserved]: _, ...extensions } = JSON.parse(stored) as Record<string, unknown>;
  freeze(extensions);
  return extensions;
}

function badExtensions(fault: string): NereusError {
  return new NereusError("OPTION_INVALID", `Extensions cannot be added: ${fault}`, {
    fix: "Give an object of JSON values by name, synchronously: { requestId: '…' }.",
  });
}
