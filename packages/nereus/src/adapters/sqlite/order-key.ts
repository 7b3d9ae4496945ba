import { digitsLimit, type KeyedType, turned } from "../order-key.ts";

/** The SQL of `orderKeyOf`: the key of a text, as one expression, so that an index can hold it. Null of null. */
export function orderKey(text: string, type: KeyedType): string {
  return type === "date" ? dateKey(text) : numberKey(text);
}

const year = "[0-9]".repeat(6);

function dateKey(text: string): string {
  const complement = `printf('%06d', 999999 - CAST(substr(${text}, 2, 6) AS INTEGER))`;
  return (
    `CASE WHEN ${text} GLOB '+${year}-*' THEN ':' || substr(${text}, 2) ` +
    `WHEN ${text} GLOB '-${year}-*' THEN '-' || ${complement} || substr(${text}, 8) ELSE ${text} END`
  );
}

function numberKey(text: string): string {
  const amount = `ltrim(${text}, '-')`;
  const shown = `ltrim(${text}, '-0')`;
  const size = `printf('%05d', instr(${shown} || '.', '.') - 1)`;
  const digits = `replace(CASE instr(${shown}, '.') WHEN 0 THEN ${shown} ELSE rtrim(${shown}, '0') END, '.', '')`;
  const number = `${size} || ${digits}`;
  return (
    `CASE WHEN ${text} IS NULL THEN NULL WHEN NOT ${areDigits(text, amount)} THEN '3' || ${text} ` +
    `WHEN ${text} GLOB '-*[1-9]*' THEN '1' || ${turn(number)} || 'z' ELSE '2' || ${number} END`
  );
}

/** By what is left when digits are cut off: unlike GLOB, that sees what stands after a NUL. */
function areDigits(text: string, amount: string): string {
  const rest = `ltrim(${amount}, '0123456789')`;
  return (
    `(length(${text}) <= ${digitsLimit} AND ${text} NOT GLOB '--*' AND ${amount} GLOB '[0-9]*' ` +
    `AND (${rest} = '' OR (${rest} GLOB '.[0-9]*' AND ltrim(substr(${rest}, 2), '0123456789') = '')))`
  );
}

function turn(digits: string): string {
  return [...turned].reduce((text, letter, digit) => `replace(${text}, '${digit}', '${letter}')`, digits);
}
