import type { StreamId } from "../log/message.ts";

/** One string for a stream's four values. The lengths keep apart what the values, being any text, could blur. */
export function streamKey(stream: StreamId): string {
  const { kind, tenant, category } = stream;
  return `${kind},${tenant.length},${category.length},${tenant}${category}${stream.id}`;
}
