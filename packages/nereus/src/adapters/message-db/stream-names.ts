import type { MessageKind, StreamId } from "../../log/message.ts";

/** The kinds that are told by the end of the category, after a colon, as Message DB has it: `account:command-123`. */
export const namedKinds: readonly MessageKind[] = ["command", "fact", "process", "snapshot"];

/** The end of the categories in which the adapter keeps what commits once; no reader meets them. */
export const onceSuffix = "nereusOnce";

const ending = new RegExp(`:(${[...namedKinds, onceSuffix].join("|")})$`, "u");

/**
 * The name of a stream in Message DB: `Account-576`, `Account:command-9f…`, `Account@north-576` for a tenant. Ids stay as
 * they are. In categories and tenants `-`, `@`, a `:command` (or the like) at the end, and a `%` that would look
 * like an escape, are written `%2D`, `%40`, `%3A` and `%25`. No two streams have one name, and no two names are one stream.
 */
export function streamName(stream: StreamId): string {
  const { tenant, kind, category, id } = stream;
  if (tenant === "" && kind === "event" && id === "" && category.startsWith("%")) {
    const name = category.slice(1);
    if (isForeign(name)) return name;
  }
  return `${headOf(stream)}-${id}`;
}

/** What comes before the first `-`: the category, to Message DB. */
export function headOf({ tenant, kind, category }: Omit<StreamId, "id">): string {
  const ofTenant = tenant === "" ? "" : `@${escaped(tenant)}`;
  return `${escaped(category)}${ofTenant}${kind === "event" ? "" : `:${kind}`}`;
}

/** The stream that a name stands for. One that no stream of ours has is an event stream of the category `%` and the name. */
export function streamOfName(name: string): StreamId {
  const stream = parsed(name);
  if (stream !== undefined && streamName(stream) === name) return stream;
  return { tenant: "", kind: "event", category: `%${name}`, id: "" };
}

/** Whether a name is not what its own parts would be written as. */
function isForeign(name: string): boolean {
  const stream = parsed(name);
  return stream === undefined || streamName(stream) !== name;
}

function parsed(name: string): StreamId | undefined {
  const dash = name.indexOf("-");
  if (dash === -1) return undefined;
  const head = name.slice(0, dash);
  const kind = ending.exec(head)?.[1];
  if (kind === onceSuffix) return undefined;
  const place = kind === undefined ? head : head.slice(0, -kind.length - 1);
  const at = place.indexOf("@");
  return {
    tenant: at === -1 ? "" : unescaped(place.slice(at + 1)),
    kind: (kind ?? "event") as MessageKind, // one of namedKinds, by the expression
    category: unescaped(at === -1 ? place : place.slice(0, at)),
    id: name.slice(dash + 1),
  };
}

/** A category or tenant in the form that it has in a name. */
export function escaped(text: string): string {
  return text
    .replace(/%(?=25|2D|3A|40)/gu, "%25")
    .replace(/-/gu, "%2D")
    .replace(/@/gu, "%40")
    .replace(ending, "%3A$1");
}

const characters: Readonly<Record<string, string>> = { "%25": "%", "%2D": "-", "%3A": ":", "%40": "@" };

function unescaped(text: string): string {
  return text.replace(/%(?:25|2D|3A|40)/gu, (sequence) => characters[sequence] ?? sequence);
}
