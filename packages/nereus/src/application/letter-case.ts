import type { Folding } from "../ports/store.ts";

/**
 * Texts are compared without regard to case by their characters, one for one: two are the same letter where JavaScript's
 * regular expressions say so with the flags `i` and `u`, which is Unicode's simple case folding. It knows no language.
 *
 * @returns the text with each letter as one of its forms, and which others count as that one
 */
export function caseFolded(texts: readonly string[]): { readonly texts: readonly string[]; readonly fold: Folding } {
  const forms = lettersByForm();
  const from = new Set<string>();
  const to = new Map<string, string>();
  const folded = texts.map((text) =>
    Array.from(text, (character) => {
      const letter = forms.get(character);
      if (letter === undefined) return character;
      const [chosen = character] = letter;
      for (const other of letter) if (other !== chosen) from.add(other) && to.set(other, chosen);
      return chosen;
    }).join(""),
  );
  const others = [...from];
  return { texts: folded, fold: { from: others.join(""), to: others.map((other) => to.get(other) ?? "").join("") } };
}

/** The most letters with several forms that one condition may be about: some databases nest one call for each form. */
export const mostForms = 200;

let known: ReadonlyMap<string, readonly string[]> | undefined;

/** The forms of every letter that has several; made when it is first needed. */
function lettersByForm(): ReadonlyMap<string, readonly string[]> {
  known ??= findLetters();
  return known;
}

/** Letters with case are below U+20000. */
const lastPlane = 0x1ffff;

function findLetters(): ReadonlyMap<string, readonly string[]> {
  const letters = new Map<string, string[]>();
  for (let code = 0; code <= lastPlane; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const character = String.fromCodePoint(code);
    for (const other of formsOf(character)) join(letters, character, other);
  }
  for (const forms of letters.values()) forms.sort();
  return letters;
}

/** Other forms of a character that are one character, and the same to a regular expression. */
function formsOf(character: string): string[] {
  const [lower, upper] = [character.toLowerCase(), character.toUpperCase()];
  if (lower === character && upper === character) return [];
  const near = new Set([lower, upper, upper.toLowerCase(), lower.toUpperCase()]);
  near.delete(character);
  const found = [...near].filter((other) => [...other].length === 1);
  return found.filter((other) => new RegExp(`^\\u{${character.codePointAt(0)?.toString(16)}}$`, "iu").test(other));
}

function join(letters: Map<string, string[]>, one: string, other: string): void {
  const all = [...new Set([...(letters.get(one) ?? [one]), ...(letters.get(other) ?? [other])])];
  for (const form of all) letters.set(form, all);
}
