import { collectionOf, type ProjectorDefinition } from "../application/projector.ts";
import { storedTypeOf } from "../application/stored-type.ts";
import type { AggregateClass } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import type { CompiledField } from "../model/field.ts";
import type { CompiledShape } from "../model/shape.ts";
import type { CollectionShape } from "../ports/store.ts";

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
  return shape.fields.map((field) => ({ name: field.name, type: storedTypeOf(field), required: isRequired(field) }));
}

/** Whether a stored document without the field cannot be read. */
function isRequired(field: CompiledField): boolean {
  return !field.leavable && field.blank() === undefined;
}
