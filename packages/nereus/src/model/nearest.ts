/** The known name that an unknown one was probably meant to be, as a question to put before what else can be done. */
export function didYouMean(unknown: unknown, known: Iterable<string>): string {
  const name = nearest(String(unknown), known);
  return name === undefined ? "" : `Did you mean ${name}? `;
}

/** The nearest name, if it is near: a slip in every third character at most, and upper and lower case are no difference. */
function nearest(unknown: string, known: Iterable<string>): string | undefined {
  let found: string | undefined;
  let least = Math.floor(Math.min(unknown.length, longest) / 3) + 1;
  for (const name of known) {
    if (name === unknown || Math.abs(name.length - unknown.length) >= least) continue;
    const distance = distanceOf(unknown.toLowerCase(), name.toLowerCase());
    if (distance >= least) continue;
    found = name;
    least = distance;
  }
  return found;
}

/** What is longer is no name that somebody has mistyped. */
const longest = 64;

/** How many characters have to be put in, taken out or replaced; two that changed places count as one. */
function distanceOf(one: string, other: string): number {
  if (one.length > longest || other.length > longest) return Number.POSITIVE_INFINITY;
  let before: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let row = 1; row <= one.length; row++) {
    const now = [row];
    for (let at = 1; at <= other.length; at++) {
      const isSame = one[row - 1] === other[at - 1];
      const replaced = (last[at - 1] as number) + (isSame ? 0 : 1);
      let least = Math.min(replaced, (last[at] as number) + 1, (now[at - 1] as number) + 1);
      if (row > 1 && at > 1 && one[row - 1] === other[at - 2] && one[row - 2] === other[at - 1]) {
        least = Math.min(least, (before[at - 2] as number) + 1);
      }
      now.push(least);
    }
    before = last;
    last = now;
  }
  return last[other.length] as number;
}
