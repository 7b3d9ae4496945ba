import type { Values } from "./values.ts";

/** What is done to all fields of a shape, for every message that is made, stored or read. */
export interface FieldCode {
  copy(to: Values, from: Values): void;
  /** Whether none of the fields is undefined. */
  isComplete(values: Values): boolean;
}

/**
 * Code for just these fields: several times faster than a loop over their names, which has to look up each name anew. A
 * platform that makes no code from text gets the loop.
 */
export function fieldCode(names: readonly string[]): FieldCode {
  const keys = names.map((name) => `[${JSON.stringify(name)}]`);
  try {
    return {
      copy: new Function("to", "from", keys.map((key) => `to${key} = from${key};`).join("\n")) as FieldCode["copy"],
      isComplete: new Function(
        "values",
        `return ${keys.map((key) => `values${key} !== undefined`).join(" && ") || true};`,
      ) as FieldCode["isComplete"],
    };
  } catch {
    return {
      copy(to, from) {
        for (const name of names) to[name] = from[name];
      },
      isComplete: (values) => names.every((name) => values[name] !== undefined),
    };
  }
}
