import { payloadOf } from "../log/event-types.ts";
import type { StoredMessage } from "../log/message.ts";
import { definition } from "../model/element.ts";
import { misfits } from "../model/form-fit.ts";
import { formOfValue } from "../model/form-values.ts";
import type { EventClass } from "../model/message.ts";
import type { StoredForm } from "../model/stored-form.ts";
import type { Store } from "../ports/store.ts";
import { type ChangedShape, type EventShape, StoredShapes, shapesChanged } from "./stored-shapes.ts";

/** How many stored events of a class are looked at, where no release has kept their shape: the first, and as many of the last positions. */
const samples = 200;

/**
 * Holds the events of a model against what is stored of them. Where the log has events and the store keeps no shape at all, they are of before
 * shapes were kept: some of each class are looked at, and what they fit is kept.
 *
 * @throws NereusError STORED_SHAPE_CHANGED with all that changed
 */
export async function shapesAtStart(store: Store, events: Iterable<EventClass>): Promise<StoredShapes> {
  for (;;) {
    const shapes = await StoredShapes.read(store, events);
    refuseChanged(shapes.map((shape) => shape.changed()));
    if (shapes.some(({ revision }) => revision > 0) || (await store.log.head()) === 0) {
      return new StoredShapes(store, shapes);
    }
    if (await isAdopted(store, shapes)) return new StoredShapes(store, shapes);
  }
}

/** @returns whether no other process did so at the same time */
async function isAdopted(store: Store, shapes: readonly EventShape[]): Promise<boolean> {
  const stored: EventShape[] = [];
  const changed: (ChangedShape | undefined)[] = [];
  for (const shape of shapes) {
    const examples = await examplesOf(store, shape.event);
    if (examples.length > 0) stored.push(shape);
    changed.push(changedIn(shape, examples));
  }
  refuseChanged(changed);
  if (stored.length === 0 || store.readOnly === true) return true;
  const notes = stored.map((shape) => shape.addition());
  const outcome = await store.commit({ notes });
  if (outcome.status !== "committed") return false;
  for (const [at, shape] of stored.entries()) {
    const { name = "", data = "" } = notes[at] ?? {};
    shape.learn({ name, revision: 1, data });
  }
  return true;
}

async function examplesOf({ log }: Store, event: EventClass): Promise<readonly StoredMessage[]> {
  const { name, version } = event[definition];
  const of = async (after: number): Promise<readonly StoredMessage[]> => {
    const { messages } = await log.readLog({ after, limit: samples, types: [name] });
    return messages.filter(({ schemaVersion }) => schemaVersion === version);
  };
  const first = await of(0);
  return first.length < samples ? first : [...first, ...(await of(Math.max(0, (await log.head()) - samples)))];
}

function changedIn({ event, own }: EventShape, examples: readonly StoredMessage[]): ChangedShape | undefined {
  for (const message of examples) {
    const form = formOfMessage(message);
    const found = form === undefined ? [] : misfits(form, own.schema);
    if (found.length > 0) return { event: event[definition].name, misfits: found };
  }
  return undefined;
}

/** Undefined of one that is damaged: whoever reads it is told. */
function formOfMessage(message: StoredMessage): StoredForm | undefined {
  try {
    return formOfValue(payloadOf(message));
  } catch {
    return undefined;
  }
}

function refuseChanged(found: readonly (ChangedShape | undefined)[]): void {
  const changed = found.filter((one) => one !== undefined);
  if (changed.length > 0) throw shapesChanged(changed);
}
