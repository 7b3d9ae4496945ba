import type { Element } from "../model/element.ts";
import { type ModelFault, NereusError } from "../model/errors.ts";
import { definitionIn } from "./element-reading.ts";

/** How the instance of a decorated class comes to be. */
export interface Recipe {
  readonly type: abstract new (...input: never) => object;
  /** What its decorator is called, for errors: `@eventHandler`. */
  readonly decorator: string;
  make(): unknown;
}

/** Where the instance of a class is, from the start of its domain on. */
export interface Slot {
  readonly instance: object | undefined;
}

/** What one decorator has put into a registry. */
export interface Registration {
  readonly faults: readonly ModelFault[];
  /** Its elements, whose handlers work with what is in the slots when they run. */
  elements(instances: Instances): readonly Element[];
}

/** The definition behind `registry(…)`. */
export interface RegistryDefinition {
  readonly kind: "registry";
  readonly name: string;
  readonly registrations: readonly Registration[];
  /** The domains that are started with it: it takes nothing more until they have stopped. */
  readonly takers: Set<{ readonly name: string }>;
}

/** The instances of decorated classes in one start of one domain. */
export class Instances {
  readonly #slots = new Map<Recipe, { instance: object | undefined }>();

  slotOf(recipe: Recipe): Slot {
    const known = this.#slots.get(recipe) ?? { instance: undefined };
    this.#slots.set(recipe, known);
    return known;
  }

  /** Makes one of each. @throws NereusError INSTANCE_NOT_MADE */
  async make(): Promise<void> {
    for (const [recipe, slot] of this.#slots) slot.instance = await madeBy(recipe);
  }
}

async function madeBy(recipe: Recipe): Promise<object> {
  let made: unknown;
  try {
    made = await recipe.make();
  } catch (cause) {
    throw notMade(recipe, "what makes it failed", cause);
  }
  if (made instanceof recipe.type) return made;
  const what = typeof made === "object" && made !== null ? `an instance of ${made.constructor?.name}` : String(made);
  throw notMade(recipe, `what makes it gave ${what}`);
}

function notMade({ type, decorator }: Recipe, why: string, cause?: unknown): NereusError {
  const name = type.name === "" ? "a class" : type.name;
  return new NereusError("INSTANCE_NOT_MADE", `There is no instance of ${name} with ${decorator}: ${why}`, {
    element: name,
    cause,
    fix: "Let make of registry({ make }), or create of its decorator, give an instance of that class.",
  });
}

/**
 * What the decorated classes of registries add to a domain: each element once, and none that is among these already.
 *
 * @param listed the elements of the domain
 */
export function registeredElements(
  listed: readonly Element[],
  registries: readonly RegistryDefinition[],
  instances: Instances,
): readonly Element[] {
  const registrations = registries.flatMap((own) => own.registrations);
  const added = new Set(registrations.flatMap((registration) => registration.elements(instances)));
  return [...added].filter((element) => !listed.includes(element));
}

/** The registries among elements; what only looks like one is left for the check of the elements. */
export function registriesAmong(elements: readonly Element[]): readonly RegistryDefinition[] {
  const found = elements.map(definitionIn).filter((own) => own?.kind === "registry");
  return (found as unknown as RegistryDefinition[]).filter(({ registrations }) => Array.isArray(registrations)); // by its kind
}
