/** An object with its keys sorted by their code units, whatever the language of the machine. */
export function recordOf<V>(entries: Iterable<readonly [string, V]>): Readonly<Record<string, V>> {
  return Object.fromEntries([...entries].sort(([one], [other]) => compareTexts(one, other)));
}

export function compareTexts(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
