// A model that keeps what a command brings in every place that a store has, and looks at it again: for hostile input.
import {
  Aggregate,
  Command,
  commandHandlers,
  type Domain,
  Entity,
  Event,
  EventSourcedAggregate,
  hasMany,
  identifier,
  type ProcessOptions,
  Projection,
  projector,
} from "nereus";
import { z } from "zod";

/** All that a keepsake can hold, by the kind of field. */
const fields = {
  id: identifier(),
  text: z.string().default(""),
  number: z.number().default(0),
  big: z.bigint().default(0n),
  any: z.unknown(),
  keyed: z.record(z.string(), z.string()).default({}),
  map: z.map(z.string(), z.string()).default(new Map()),
};

class Kept extends Event("Kept", fields) {}
export class Sourced extends EventSourcedAggregate("Sourced", fields).applies(Kept, (it, event) => {
  Object.assign(it, { ...event });
}) {}

class Part extends Entity("Part", { partId: identifier() }) {}
export class Stored extends Aggregate(
  "Stored",
  { ...fields, code: z.string().nullable().default(null), parts: hasMany(Part) },
  { indexes: [["text"], ["number"], ["big"]], unique: [["code"]] },
) {}

export class Inline extends Projection("Inline", fields, { indexes: [["text", "big"]] }) {}
export class Async extends Projection("Async", fields) {}
const inline = projector(Inline, { run: "inline" }).create(Kept, (event) => ({ ...event }));
const later = projector(Async, { run: "async" }).create(Kept, (event) => ({ ...event }));

/** Keeps the fields in an event, two aggregates and two rows, and answers the text. */
export class Keep extends Command("Keep", {
  ...fields,
  code: z.string().nullable().default(null),
  parts: z.array(z.string()).default([]),
}).returns<string>() {}

/** Everything that is stored of a keepsake. */
export interface Found {
  readonly sourced: object | undefined;
  readonly stored: object | undefined;
  readonly code: string | null | undefined;
  readonly parts: readonly string[] | undefined;
  readonly event: object | undefined;
  readonly metadata: { readonly [name: string]: unknown } | undefined;
}
export class Look extends Command("Look", { id: z.string() }).returns<Found>() {}
/** The ids of the aggregates that have these values. */
export class Search extends Command("Search", { where: z.custom<object>() }).returns<string[]>() {}

const commands = commandHandlers(Sourced)
  .on(Keep, async ({ code, parts, ...input }, { repository }) => {
    await repository(Sourced).add(Sourced.create((it) => it.raise(new Kept(input))));
    await repository(Stored).add(new Stored({ ...input, code, parts: parts.map((partId) => ({ partId })) }));
    return input.text;
  })
  .on(Look, async ({ id }, { repository }): Promise<Found> => {
    const stored = await repository(Stored).find(id);
    const sourced = await repository(Sourced).find(id);
    const history = sourced === undefined ? [] : repository(Sourced).history(id);
    let found: Pick<Found, "event" | "metadata"> = { event: undefined, metadata: undefined };
    for await (const { event, metadata } of history) found = { event: fieldsOf(event), metadata: { ...metadata } };
    return {
      ...found,
      sourced: sourced && fieldsOf(sourced),
      stored: stored && fieldsOf(stored),
      code: stored?.code,
      parts: stored && [...stored.parts].map(({ partId }) => partId),
    };
  })
  .on(Search, async ({ where }, { repository }) => {
    const found = await repository(Stored).query({ where: where as never });
    return found.map(({ id }) => id).sort();
  });

export const keepsakes = [Sourced, Stored, commands, Inline, Async, inline, later];

/** The values of the fields that all of them have. */
export function fieldsOf(from: object): Record<string, unknown> {
  const values = from as Record<string, unknown>;
  return Object.fromEntries(Object.keys(fields).map((name) => [name, values[name]]));
}

/** Everything that a domain finds of a keepsake, rows included. */
export async function lookFor(domain: Domain, id: string, options: ProcessOptions = {}) {
  const { tenant = "" } = options;
  const found = await domain.process(new Look({ id }), { tenant });
  const rows = [await domain.view(Inline, { tenant }).get(id), await domain.view(Async, { tenant }).get(id)];
  const [inlineRow, asyncRow] = rows.map((row) => row && fieldsOf(row));
  return { ...found, inline: inlineRow, async: asyncRow };
}
