/**
 * Compares two texts by code point, which is the order of their UTF-8 bytes. JavaScript's `<` goes by UTF-16 unit
 * instead, and so puts the characters beyond U+FFFF before those from U+E000.
 */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return rank(a, at, left) - rank(b, at, right);
  }
  return a.length - b.length;
}

/** Whether a text has another in it, by code point: one half of a surrogate pair is no part of a text that has both. */
export function containsText(text: string, part: string): boolean {
  if (part.isWellFormed()) return text.includes(part);
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) {
    if (!isWithinPair(text, at) && !isWithinPair(text, at + part.length)) return true;
  }
  return false;
}

/** Whether a text begins with another, by code point. */
export function startsWithText(text: string, start: string): boolean {
  return text.startsWith(start) && !isWithinPair(text, start.length);
}

function isWithinPair(text: string, at: number): boolean {
  return isHigh(text.charCodeAt(at - 1)) && isLow(text.charCodeAt(at));
}

/** Lifts the halves of a surrogate pair above U+FFFF; a lone surrogate stays where its code point is. */
function rank(text: string, at: number, unit: number): number {
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  const paired = unit < 0xdc00 ? isLow(text.charCodeAt(at + 1)) : isHigh(text.charCodeAt(at - 1));
  return paired ? unit + 0x10000 : unit;
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
