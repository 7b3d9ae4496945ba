import type { Element } from "../model/element.ts";
import type { ModelFault } from "../model/errors.ts";
import { CompiledShape } from "../model/shape.ts";
import { type AnyDefinition, definitionIn } from "./element-reading.ts";

/** What a definition may lead to, and what shows which copy of the package made it. */
interface Reaching extends AnyDefinition {
  readonly shape?: unknown;
  readonly aggregate?: Element;
  readonly projection?: Element;
  readonly handlings?: readonly { readonly command?: Element; readonly event?: Element; readonly query?: Element }[];
}

/**
 * The fault that some of the elements were made by another copy of the package: classes of two copies look alike and
 * share nothing, so that whatever else was said of the model would be wrong.
 */
export function foreignFault(domain: string, elements: readonly unknown[]): ModelFault | undefined {
  const foreign = new Set(elements.flatMap(reachedFrom).filter(isForeign));
  const [first] = [...foreign].map(({ name }) => String(name));
  if (first === undefined) return undefined;
  const who = foreign.size === 1 ? `${first} was` : `${first} and ${foreign.size - 1} more were`;
  return {
    code: "PACKAGE_DUPLICATED",
    element: domain,
    message: `${who} made by another copy of the package nereus than the domain`,
    fix: "Load one copy: see `npm ls nereus`, let a bundler take the package once or leave it outside, and do not mix its sources with what was built of them.",
  };
}

function reachedFrom(element: unknown): readonly Reaching[] {
  const own = definitionIn(element) as Reaching | undefined;
  if (own === undefined) return [];
  const { aggregate, projection, handlings } = own;
  const listed = Array.isArray(handlings) ? handlings : [];
  const messages = listed.flatMap(({ command, event, query }) => [command, event, query]);
  const reached = [aggregate, projection, ...messages].map((one) => definitionIn(one) as Reaching | undefined);
  return [own, ...reached.filter((one) => one !== undefined)];
}

function isForeign({ shape }: Reaching): boolean {
  return shape !== undefined && !(shape instanceof CompiledShape);
}

/** Whether it is a domain of any copy. */
export const domainMark: unique symbol = Symbol.for("nereus.domain") as never;

/** For what takes a domain, and finds that it is none of its own copy's. */
export function isForeignDomain(value: unknown, own: abstract new (...input: never) => object): boolean {
  return typeof value === "object" && value !== null && domainMark in value && !(value instanceof own);
}
