import { createHash } from "node:crypto";

/** The longest name that PostgreSQL keeps, in bytes. */
const nameLimit = 63;

/** A name as PostgreSQL reads it, whatever it contains. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as a literal of SQL, whatever the server's settings are. */
export function textLiteral(text: string): string {
  const quoted = text.replaceAll("'", "''");
  return text.includes("\\") ? `E'${quoted.replaceAll("\\", "\\\\")}'` : `'${quoted}'`;
}

/** The first of `name`, `name_2`, `name_3` … that is free, shortened where it is too long. */
export function freeName(name: string, isTaken: (candidate: string) => boolean): string {
  const base = name.replaceAll("\0", "").toWellFormed() || "_";
  let candidate = shortened(base);
  for (let count = 2; isTaken(candidate); count++) candidate = shortened(base, `_${count}`);
  return candidate;
}

/** A name with its end, within the limit; where it is cut, a digest keeps it apart from others that begin alike. */
export function shortened(name: string, end = ""): string {
  if (Buffer.byteLength(name + end) <= nameLimit) return name + end;
  const digest = `_${createHash("sha256").update(name).digest("hex").slice(0, 12)}`;
  const room = nameLimit - Buffer.byteLength(digest + end);
  let cut = "";
  let size = 0;
  for (const character of name) {
    size += Buffer.byteLength(character);
    if (size > room) break;
    cut += character;
  }
  return cut + digest + end;
}

/** Puts the schema before every name of the store's own. */
export function qualified(sql: string, schema: string): string {
  return sql.replace(/\bnereus_\w+/g, (name) => `${identifier(schema)}.${name}`);
}
