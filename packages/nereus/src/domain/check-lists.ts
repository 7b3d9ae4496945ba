import type { CompiledField } from "../model/field.ts";
import { didYouMean } from "../model/nearest.ts";
import type { CompiledShape } from "../model/shape.ts";
import { definitionOfSchema, isZod, unwrap } from "../model/zod-schema.ts";
import type { Faults } from "./faults.ts";

/** What the store keeps besides the documents: what it searches by, and what may be there only once. */
interface Lists {
  readonly indexes?: readonly (readonly string[])[];
  readonly unique?: readonly (readonly string[])[];
}

/** Checks that indexes and unique lists name fields that a store can search by, each list once. */
export function checkLists(
  element: string,
  shape: CompiledShape,
  { indexes = [], unique = [] }: Lists,
  faults: Faults,
): void {
  checkEach(element, shape, "indexes", indexes, faults);
  checkEach(element, shape, "unique", unique, faults);
}

function checkEach(element: string, shape: CompiledShape, option: string, lists: unknown, faults: Faults): void {
  const refuse = (message: string, fix: string): void => faults.add("INDEX_INVALID", element, message, fix);
  if (!Array.isArray(lists) || !lists.every((list) => Array.isArray(list))) {
    refuse(`${option} is not a list of lists of fields`, `Write ${option}: [["holder"], ["status", "openedOn"]].`);
    return;
  }
  const seen = new Set<string>();
  for (const list of lists as readonly string[][]) {
    const words = `[${list.join(", ")}]`;
    if (list.length === 0) refuse(`${option} has an empty list`, "Name at least one field.");
    if (new Set(list).size < list.length) refuse(`${option} names a field twice in ${words}`, "Name each field once.");
    // which rows are unique together does not depend on the order of the fields; what an index is good for does
    const key = JSON.stringify(option === "unique" ? list.toSorted() : list);
    if (seen.has(key)) refuse(`${option} has ${words} twice`, "Keep one of them.");
    seen.add(key);
    for (const name of new Set(list)) checkField(shape, element, `${option} ${words}`, name, faults);
  }
}

function checkField({ byName }: CompiledShape, element: string, where: string, name: string, faults: Faults): void {
  const field = byName.get(name);
  if (field === undefined) {
    const fix = `${didYouMean(name, byName.keys())}Index fields that ${element} has.`;
    faults.add("INDEX_FIELD_UNKNOWN", element, `${where} names the field ${name}`, fix);
  } else if (holdsMany(field)) {
    const fix = "Index texts, numbers, dates and the like; give what is inside a field of its own.";
    faults.add("INDEX_INVALID", element, `${where} names ${name}, which holds objects or a list`, fix);
  }
}

const compound = new Set(["array", "object", "tuple", "record", "map", "set", "intersection"]);

/** Whether what is stored of a field is always an object or a list, so that nothing can be searched by it. */
function holdsMany(field: CompiledField): boolean {
  const { declared } = field;
  return field.relation !== undefined || field.inner() !== undefined || (isZod(declared) && isCompound(declared));
}

function isCompound(schema: Parameters<typeof unwrap>[0]): boolean {
  const inner = unwrap(schema);
  const { type, in: wire, out, reverseTransform } = definitionOfSchema(inner);
  if (type !== "pipe") return compound.has(type);
  const stored = reverseTransform === undefined ? out : wire; // a codec is stored as what it takes in
  return stored !== undefined && isCompound(stored);
}
