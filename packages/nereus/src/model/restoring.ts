import { type AggregateClass, AggregateRoot, definitionOfRoot, type LastMessage } from "./aggregate-root.ts";
import { definition } from "./element.ts";
import { entityDefinition, stored } from "./entity.ts";
import { refuseRedeclared, Scoped, valuesOf } from "./fields-of.ts";
import { frozenCopy } from "./freeze.ts";
import type { CompiledShape } from "./shape.ts";
import type { Values } from "./values.ts";

/** An aggregate without state, to replay events onto. */
export function blankAggregate(aggregate: AggregateClass): AggregateRoot {
  const make = aggregate as unknown as new () => AggregateRoot;
  const root = new make();
  refuseRedeclared(root, aggregate[definition].shape);
  return root;
}

/** A state-stored aggregate from its stored document. */
export function restoreAggregate(aggregate: AggregateClass, wire: Values, version: number): AggregateRoot {
  const make = aggregate as unknown as new (values: Values, origin: typeof stored) => AggregateRoot;
  const root = new make(aggregate[definition].shape.decode(wire), stored);
  refuseRedeclared(root, aggregate[definition].shape);
  AggregateRoot.seams.saved(root, version, undefined);
  return root;
}

/**
 * An event-sourced aggregate as of a snapshot: its state, as `toJSON` of the very same shape gave it.
 *
 * @param last the message after which it was made
 */
export function restoreSnapshot(aggregate: AggregateClass, wire: Values, last: LastMessage): AggregateRoot {
  const { shape } = aggregate[definition];
  const root = blankAggregate(aggregate);
  const values = valuesOf(root);
  Object.assign(values, shape.restore(wire));
  shape.attach(values, Scoped.scopeOf(root));
  AggregateRoot.seams.saved(root, last.version, last.id);
  freezeFields(root);
  return root;
}

/** Freezes what was built up in place, by a replay or by defaults; entities included. */
export function freezeFields(root: AggregateRoot): void {
  freezeValues(root, definitionOfRoot(root).shape);
}

function freezeValues(owner: object, shape: CompiledShape): void {
  const values = valuesOf(owner);
  for (const { name } of shape.deep) values[name] = frozenCopy(values[name]);
  for (const { name, relation } of shape.relations) {
    for (const child of relation?.entities(values[name]) ?? []) {
      const own = entityDefinition(child.constructor).shape;
      if (own.deep.length > 0 || own.relations.length > 0) freezeValues(child, own);
    }
  }
}
