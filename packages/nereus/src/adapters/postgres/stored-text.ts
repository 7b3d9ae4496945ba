/*
 * PostgreSQL's texts cannot hold NUL or one half of a surrogate pair. What it cannot hold is stored as a lead and a trail,
 * chosen so that stored texts stand in the order of the texts themselves (by code point), none stands for two, and one is
 * part of another exactly where the texts are: leads and trails are themselves stored so. Everything else stays as it is.
 */

/** U+0001 leads NUL and itself. */
const lowLead = "\u0001";
/** U+E000, the next character after the surrogates, leads them and itself. */
const surrogateLead = "\ue000";
/** Leads itself and the trails, as two trails. */
const trailLead = 0x10_0000;
const firstTrail = trailLead + 1;
const lastTrail = trailLead + 0xfff;

const beyondAscii = /[\ud800-\udfff\ue000]/;
/** What an escape begins with: the two leads, and the first halves of the third and its trails. */
const escapeStarts = [lowLead, surrogateLead, "\udbc0", "\udbc1", "\udbc2", "\udbc3"] as const;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const escapes = /\u0001(\p{Co})|\ue000(\p{Co})|\u{100000}(\p{Co})(\p{Co})/gu;

/** A text as PostgreSQL can hold it. */
export function toStored(text: string): string {
  if (!mayNeedEscape(text)) return text;
  let stored = "";
  for (const character of text) stored += escaped(character);
  return stored;
}

/** A search for one character is several times faster than an expression, and ASCII needs no other. */
function mayNeedEscape(text: string): boolean {
  if (text.includes("\0") || text.includes(lowLead)) return true;
  return Buffer.byteLength(text) !== text.length && beyondAscii.test(text);
}

/** Whether {@link fromStored} may change a text. */
export function mayBeEscaped(stored: string): boolean {
  return escapeStarts.some((start) => stored.includes(start));
}

/** The text that {@link toStored} was given. */
export function fromStored(stored: string): string {
  return mayBeEscaped(stored) ? stored.replace(escapes, (...parts) => unescaped(parts)) : stored;
}

export function fromStoredOrNull(stored: string | null): string | null {
  return stored === null ? null : fromStored(stored);
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code <= 1) return lowLead + trail(code);
  if (code >= 0xd800 && code <= 0xe000) return surrogateLead + trail(code - 0xd800);
  if (code < trailLead || code > lastTrail) return character;
  const place = code - trailLead;
  return String.fromCodePoint(trailLead) + trail(place >> 6) + trail(place & 63);
}

function trail(number: number): string {
  return String.fromCodePoint(firstTrail + number);
}

/** @param parts of a match of `escapes`: the whole, then its groups */
function unescaped([, low, surrogate, high, rest]: readonly (string | undefined)[]): string {
  if (low !== undefined) return String.fromCharCode(numberOf(low));
  if (surrogate !== undefined) return String.fromCharCode(0xd800 + numberOf(surrogate));
  return String.fromCodePoint(trailLead + (numberOf(high) << 6) + numberOf(rest));
}

function numberOf(character = ""): number {
  return (character.codePointAt(0) ?? 0) - firstTrail;
}

const jsonMayNeedEscape = /\\u(?:000[01]|[dD][89a-fA-F]|[eE]000)|[\ud800-\udfff\ue000]/;
const jsonMayBeEscaped = /\\u0001|[\ue000\udbc0-\udbc3]/;
/** A pair in escapes, any other escape, or a character as it is; outside of strings JSON has nothing of it. */
const jsonParts =
  /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u[\da-fA-F]{4}|\\.|[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff\ue000]/g;
const jsonEscapes = /\\u0001(\p{Co})|\ue000(\p{Co})|\u{100000}(\p{Co})(\p{Co})/gu;

/** JSON text in which every string is as {@link toStored} makes it, keys included. */
export function toStoredJson(json: string): string {
  return jsonMayNeedEscape.test(json) ? json.replace(jsonParts, storedPart) : json;
}

/** The same JSON as {@link toStoredJson} was given: character by character if it came from JSON.stringify. */
export function fromStoredJson(stored: string): string {
  if (!jsonMayBeEscaped.test(stored)) return stored;
  return stored.replace(jsonEscapes, (...parts) => {
    const text = unescaped(parts);
    return parts[1] === undefined && text.isWellFormed() ? text : unicodeEscape(text);
  });
}

function storedPart(part: string): string {
  if (part.startsWith("\\") && part[1] !== "u") return part;
  const text = part.startsWith("\\") ? (JSON.parse(`"${part}"`) as string) : part;
  const stored = toStored(text);
  return stored === text ? part : stored.replace(lowLead, "\\u0001");
}

function unicodeEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
