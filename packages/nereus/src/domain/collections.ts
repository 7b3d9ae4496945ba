import { collectionOf, type ProjectorDefinition } from "../application/projector.ts";
import { storedTypeOf } from "../application/stored-type.ts";
import type { AggregateClass } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import type { CompiledField } from "../model/field.ts";
import type { CompiledShape } from "../model/shape.ts";
import type { CollectionShape, FieldShape } from "../ports/store.ts";
import { constantOf } from "./describe-default.ts";

/** The collections of documents that a model needs: its state-stored aggregates and its projections. */
export function collectionsOf(
  aggregates: Iterable<AggregateClass>,
  projectors: Iterable<ProjectorDefinition>,
): CollectionShape[] {
  const collections: CollectionShape[] = [];
  for (const aggregate of aggregates) {
    const { name, shape, eventSourced, options } = aggregate[definition];
    const { indexes = [], unique = [] } = options;
    if (!eventSourced) collections.push({ name, fields: fieldsOf(shape), indexes, unique });
  }
  for (const projector of projectors) {
    const { shape, indexes, unique } = projector.projection[definition];
    collections.push({ name: collectionOf(projector), fields: fieldsOf(shape), indexes, unique });
  }
  return collections;
}

function fieldsOf(shape: CompiledShape): CollectionShape["fields"] {
  return shape.fields.map((field) => ({
    name: field.name,
    type: storedTypeOf(field),
    required: isRequired(field),
    ...defaultOf(field),
  }));
}

/** What a document that was stored without the field is read with, unless that is another value each time. */
function defaultOf({ blank, wire }: CompiledField): Pick<FieldShape, "default"> {
  const constant = constantOf(() => {
    const value = blank();
    return value === undefined || wire === undefined ? value : wire.encode(value);
  });
  return constant === undefined ? {} : { default: JSON.stringify(constant) };
}

/** Whether a stored document without the field cannot be read. */
function isRequired(field: CompiledField): boolean {
  return !field.leavable && field.blank() === undefined;
}
