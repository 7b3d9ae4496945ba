import { definition, type Element } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import { messageDefinition } from "../model/message.ts";

/** For callers without types. */
export function misuse(where: string, given: unknown, wanted: string): NereusError {
  return new NereusError("VALIDATION_FAILED", `${where} takes ${wanted}, not ${String(given)}`, {
    fix: "See the examples of nereus/testing.",
  });
}

/** @throws NereusError VALIDATION_FAILED for a class in place of an instance, which could pass for a promise's callback */
export function assertNoClass(where: string, value: unknown): void {
  if (typeof value === "function" && definition in value) {
    const { name } = (value as unknown as Element)[definition];
    throw misuse(where, `the class ${name}`, `instances: new ${name}({ … })`);
  }
}

/** The name of an event or command. @throws NereusError VALIDATION_FAILED for anything else */
export function nameOf(message: object, kind: "event" | "command"): string {
  const own = messageDefinition(message, kind);
  if (own !== undefined) return own.name;
  throw misuse(
    "given/when/then",
    message,
    `${kind}s here: instances of a class made by ${kind === "event" ? "Event" : "Command"}(…)`,
  );
}
