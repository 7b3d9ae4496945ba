import { hash } from "node:crypto";
import type { AggregateDefinition } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import { describeFields } from "./describe-fields.ts";
import { ShapeWalk } from "./model-shapes.ts";
import { compareTexts } from "./sorted-record.ts";

/**
 * A hash of all that decides which state the events of an aggregate make, as far as it can be known: its fields and those of the entities and
 * value objects in it, its events with their fields and versions, the text of its `.applies` handlers, and the version that its author gives it.
 */
export function stateShapeOf(own: AggregateDefinition): string {
  const walk = new ShapeWalk();
  walk.visit(own, own.name);
  for (const { event } of own.appliers.values()) walk.visit(event[definition], undefined);
  const shapes = [...walk.holders].map(({ kind, name, shape }) => [kind, name, describeFields(shape)]);
  const events = [...own.appliers].map(([name, { event, apply, written = apply }]) => [
    name,
    event[definition].version,
    String(written),
  ]);
  const texts = [...shapes, ...events].map((part) => JSON.stringify(part)).sort(compareTexts);
  return hash("sha256", JSON.stringify([own.options.snapshotVersion ?? 1, ...texts])).slice(0, 16);
}
