import { z } from "zod";
import { NereusError } from "./errors.ts";
import { marked } from "./marks.ts";
import { type WireCodec, wireOfClass } from "./wire.ts";
import { definitionOfSchema, isZod } from "./zod-schema.ts";

declare const ordered: unique symbol;

const mark: unique symbol = Symbol.for("nereus.decimal") as never;

/** How a library's decimals are read and written: all that the framework needs of it. */
export interface DecimalLibrary<D> {
  readonly parse: (digits: string) => D;
  /** Digits; an exponent is taken too. */
  readonly format: (value: D) => string;
}

/** The type of `decimal(…)`: a codec from digits to `D`, with an order of its own. */
export type DecimalField<D> = z.ZodCodec<z.ZodString, z.ZodCustom<D, D>> & { readonly [ordered]: "decimal" };

export interface DecimalOptions<D> {
  /** How many digits stand after the point. */
  readonly scale: number;
  /** The most digits in all, those after the point among them. Default, and most: 1,000. */
  readonly precision?: number;
  /** The library whose values the field holds; without it, digits as text. */
  readonly as?: DecimalLibrary<D>;
}

/** What is known of a field made by {@link decimal}. */
export interface DecimalKind {
  readonly scale: number;
  readonly precision: number;
  /** The exact digits of a value of the field, however many stand after the point; undefined of anything else. */
  digits(value: unknown): string | undefined;
}

/** The most digits of a decimal. */
const mostDigits = 1000;

/**
 * An exact decimal: digits on the wire, ordered by value on every store. It is stored with exactly `scale` digits after the
 * point, whatever the library writes; one that has more is refused as `VALIDATION_FAILED`, never rounded.
 *
 * @throws NereusError SCHEMA_UNSUPPORTED for a scale or precision that is none, or a library whose values are numbers
 * @example
 * const money = decimal({ scale: 2, as: { parse: (digits) => new Big(digits), format: (value) => value.toFixed() } });
 * class Invoice extends Aggregate("Invoice", { invoiceId: identifier(), total: money, tax: money.optional() }) {}
 */
export function decimal<D = string>(options: DecimalOptions<D>): DecimalField<D> {
  const { scale, precision = mostDigits, as } = options;
  if (!isCount(scale, 0, mostDigits) || !isCount(precision, Math.max(scale, 1), mostDigits)) {
    throw unsupported(`scale ${String(scale)} and precision ${String(precision)}`);
  }
  const type = as === undefined ? "string" : typeOf(as);
  const digits = (value: unknown): string | undefined =>
    typeof value === type ? plainDigits(written(value as D, as)) : undefined;
  const kind: DecimalKind = { scale, precision, digits };
  const read = (text: string): D => (as === undefined ? (text as D) : as.parse(text));
  const codec = z.codec(
    z.string(),
    z.custom<D>((value) => typeof value === type, "expected a decimal"),
    {
      decode: (text, context) => {
        const fitted = fittedDigits(plainDigits(text), kind);
        if (fitted.digits !== undefined) return read(fitted.digits);
        context.issues.push({ code: "custom", message: fitted.fault, input: text });
        return z.NEVER;
      },
      encode: (value, context) => {
        const fitted = fittedDigits(digits(value), kind);
        if (fitted.digits !== undefined) return fitted.digits;
        context.issues.push({ code: "custom", message: fitted.fault, input: value });
        return z.NEVER;
      },
    },
  );
  return marked(codec, { [mark]: kind, [wireOfClass]: wireOfDecimal(kind, read) }) as unknown as DecimalField<D>;
}

/** What is known of a decimal's field, optional or not; undefined for any other. */
export function decimalOf(field: unknown): DecimalKind | undefined {
  if (!isZod(field)) return undefined;
  return mark in field ? (field[mark] as DecimalKind) : decimalOf(definitionOfSchema(field).innerType);
}

/** As Zod would carry it, without asking Zod for every value that is stored or loaded. */
function wireOfDecimal<D>(kind: DecimalKind, read: (digits: string) => D): WireCodec {
  const fit = (digits: string | undefined): string => {
    const fitted = fittedDigits(digits, kind);
    if (fitted.digits === undefined) throw new TypeError(`A decimal ${fitted.fault}`);
    return fitted.digits;
  };
  return {
    encode: (value) => fit(kind.digits(value)),
    decode: (wire) => read(fit(typeof wire === "string" ? plainDigits(wire) : undefined)),
  };
}

function written<D>(value: D, as: DecimalLibrary<D> | undefined): string {
  try {
    return String(as === undefined ? value : as.format(value));
  } catch {
    return ""; // something that the library does not know
  }
}

/** The JavaScript type of a library's values: what else comes is not of them. */
function typeOf<D>(as: DecimalLibrary<D>): string {
  let type: string;
  try {
    type = typeof as.parse("0");
  } catch (cause) {
    throw unsupported("a library that does not read the digits 0", cause);
  }
  if (type === "number" || type === "undefined") throw unsupported(`a library whose values are ${type}`);
  return type;
}

function unsupported(what: string, cause?: unknown): NereusError {
  return new NereusError("SCHEMA_UNSUPPORTED", `An exact decimal cannot have ${what}`, {
    ...(cause === undefined ? {} : { cause }),
    fix: `Give decimal({ scale, precision, as: { parse, format } }) whole numbers up to ${mostDigits}, and a library of exact decimals.`,
  });
}

function isCount(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

const notation = /^([+-]?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,5}))?$/;

/**
 * The digits of a number, without an exponent, a plus sign, zeros before, or zeros at the end of the fraction; undefined where
 * a text is none, or has more digits than any decimal.
 */
export function plainDigits(text: string): string | undefined {
  if (text.length > 4 * mostDigits) return undefined;
  const [match, sign, whole = "", fraction = "", exponent = "0"] = notation.exec(text) ?? [];
  if (match === undefined) return undefined;
  const all = (whole + fraction).replace(/^0+/, "");
  if (all === "") return "0";
  const point = all.length - fraction.length + Number(exponent);
  if (Math.abs(point) > 4 * mostDigits) return undefined;
  const padded = point > 0 ? all.padEnd(point, "0") : "0".repeat(1 - point) + all;
  const at = Math.max(point, 1);
  const rest = padded.slice(at).replace(/0+$/, "");
  return `${sign === "-" ? "-" : ""}${padded.slice(0, at)}${rest === "" ? "" : `.${rest}`}`;
}

type Fitted = { readonly digits: string } | { readonly digits?: undefined; readonly fault: string };

/** Plain digits with exactly as many after the point as the field has. */
function fittedDigits(plain: string | undefined, { scale, precision }: DecimalKind): Fitted {
  if (plain === undefined) return { fault: "must be the digits of a number, such as 12.50" };
  const [whole = "", fraction = ""] = plain.split(".");
  if (fraction.length > scale) return { fault: `must have at most ${scale} digits after the point` };
  const before = whole.replace(/^-?0?/, "").length;
  if (before > precision - scale) return { fault: `must have at most ${precision - scale} digits before the point` };
  return { digits: scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, "0")}` };
}
