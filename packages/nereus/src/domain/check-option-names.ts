import { didYouMean } from "../model/nearest.ts";
import type { Faults } from "./faults.ts";

/** The names of an element's options: a type that has one more does not compile until it is here. */
export type OptionNames<Options> = Readonly<Record<keyof Options, true>>;

/** An option that there is not says nothing: what was meant by it, such as a unique value, would not hold. For callers without types. */
export function checkOptionNames(
  element: string,
  given: readonly string[],
  names: Readonly<Record<string, true>>,
  faults: Faults,
): void {
  for (const name of given) {
    if (Object.hasOwn(names, name)) continue;
    const known = Object.keys(names);
    const fix = `${didYouMean(name, known)}There are: ${known.join(", ")}.`;
    faults.add("ELEMENT_OPTION_INVALID", element, `there is no option ${name}`, fix);
  }
}
