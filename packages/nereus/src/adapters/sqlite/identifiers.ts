/** A name as SQLite reads it, whatever it contains. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as a literal of SQL. */
export function textLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The first of `name`, `name_2`, `name_3` … that is free. SQLite cannot have a NUL in a name. */
export function freeName(name: string, isTaken: (candidate: string) => boolean): string {
  const base = name.replaceAll("\0", "") || "_";
  let candidate = base;
  for (let count = 2; isTaken(candidate); count++) candidate = `${base}_${count}`;
  return candidate;
}
