import { definition, type ElementKind } from "../model/element.ts";
import { circular } from "../model/faulty.ts";

/** What every definition has, as far as it can be relied on. */
export interface AnyDefinition {
  readonly kind: ElementKind;
  readonly name: string;
}

/** The definition of whatever was listed or named; undefined for what has none, also where reading it throws. */
export function definitionIn(value: unknown): AnyDefinition | undefined {
  try {
    if ((typeof value !== "function" && typeof value !== "object") || value === null || !(definition in value)) {
      return undefined;
    }
    const own = value[definition];
    if (typeof own !== "object" || own === null || !("kind" in own) || typeof own.kind !== "string") return undefined;
    return own as AnyDefinition;
  } catch {
    return undefined;
  }
}

/** What something is that is no element, in words that let its author find it. */
export function whatIs(value: unknown): string {
  try {
    const own = definitionIn(value);
    if (own !== undefined) return `the ${own.kind} ${String(own.name)}`;
    if (Array.isArray(value)) return "a list";
    if (typeof value === "function")
      return `the ${isClass(value) ? "class" : "function"} ${value.name || "without a name"}`;
    if (typeof value === "string") return `the text ${JSON.stringify(value.slice(0, 40))}`;
    if (value === undefined) return `undefined (${circular})`;
    if (typeof value !== "object" || value === null) return String(value);
    const { name } = value.constructor;
    return name === "Object" ? "an object" : `an instance of ${name}`;
  } catch {
    return "something that cannot be read";
  }
}

function isClass(value: object): boolean {
  return Function.prototype.toString.call(value).startsWith("class");
}
