import type { Condition, DocumentQuery, FieldType, Filter, Inner, StoredScalar } from "../../ports/store.ts";
import { refuseOversized } from "../filter-limits.ts";
import { unknownField } from "../store-errors.ts";
import { wholeNumberOf } from "../whole-number.ts";
import type { CollectionTable } from "./collection-tables.ts";
import { anyTextOf, comparedColumn, fieldValue, numberOf, textOf, within } from "./field-values.ts";
import { identifier } from "./identifiers.ts";
import { toStored } from "./stored-text.ts";
import { indexedLength, indexedValue } from "./table-definition.ts";

/** The values of a statement, by the numbers under which it names them. */
export class Parameters {
  readonly values: unknown[];

  constructor(...values: unknown[]) {
    this.values = values;
  }

  add(value: unknown): string {
    return `$${this.values.push(value)}`;
  }
}

/**
 * What a condition or an order compares. A field of texts is a text; any other has a number (null for null, Infinity
 * for what stands after all numbers) and, where that is Infinity, a text.
 */
interface Compared {
  readonly type: FieldType;
  readonly number?: string;
  readonly text: string;
  /** The part of the text that an index holds. */
  readonly start?: string;
}

/** Puts the conditions and orders of one query together. */
export class QueryText {
  readonly #schema: string;
  readonly #table: CollectionTable;
  readonly #parameters: Parameters;

  constructor(schema: string, table: CollectionTable, parameters: Parameters) {
    this.#schema = schema;
    this.#table = table;
    this.#parameters = parameters;
  }

  /** The filters after an AND, or nothing. */
  where(where: readonly Filter[]): string {
    refuseOversized(this.#table.collection, where);
    return where.map((filter) => ` AND ${this.#filter(filter)}`).join("");
  }

  order(order: NonNullable<DocumentQuery["orderBy"]>): string {
    const terms = order.flatMap((term) => {
      const { number, text, start } = this.#compared(term);
      const direction = term.direction === "asc" ? "ASC NULLS FIRST" : "DESC NULLS LAST";
      return [number, start, text].flatMap((sql) => (sql === undefined ? [] : [`${sql} ${direction}`]));
    });
    return ` ORDER BY ${[...terms, "_id"].join(", ")}`;
  }

  #filter(filter: Filter): string {
    if ("field" in filter) return this.#condition(filter, this.#compared(filter));
    // Unlike NOT this makes of what is unknown, being a comparison with null, the opposite of false.
    if (filter.op === "not") return `((${this.#filter(filter.of)}) IS NOT TRUE)`;
    if (filter.of.length === 0) return filter.op === "and" ? "true" : "false";
    return `(${filter.of.map((one) => this.#filter(one)).join(filter.op === "and" ? " AND " : " OR ")})`;
  }

  #compared({ field, within: inner }: { readonly field: string; readonly within?: Inner }): Compared {
    const table = this.#table;
    const column = table.fields.get(field);
    if (column === undefined) throw unknownField(table.collection, field, table.fields.keys());
    const name = identifier(column.column);
    if (inner !== undefined) {
      const root = column.type === "json" ? name : fieldValue({ field, default: column.default });
      return this.#ofJson(within(root, inner.path), inner.type);
    }
    if (column.type === "json") return this.#ofJson(name, "json");
    if (column.type === "text") {
      return { type: "text", text: name, ...(table.indexed.has(field) ? { start: indexedValue(name, "text") } : {}) };
    }
    const filled = { field, default: column.default };
    const number = comparedColumn(this.#schema, name, filled, column.type);
    return { type: column.type, number, text: this.#textBeyond(number, fieldValue(filled)) };
  }

  #ofJson(value: string, type: FieldType): Compared {
    if (type === "text") return { type, text: `${textOf(value)} COLLATE "C"` };
    const number = numberOf(this.#schema, value, type);
    return { type, number, text: this.#textBeyond(number, value) };
  }

  #textBeyond(number: string, value: string): string {
    return `(CASE WHEN ${number} = 'Infinity' THEN ${anyTextOf(this.#schema, value)} END) COLLATE "C"`;
  }

  #condition(condition: Condition, compared: Compared): string {
    if (condition.op === "contains") return `strpos(${compared.text}, ${this.#text(condition.value)}) > 0`;
    if (condition.op === "in") return this.#oneOf(condition.value, compared);
    const { op, value } = condition;
    if (value === null) return nullCondition(op, compared);
    if (compared.number === undefined) return this.#textCondition(op, textualOf(value), compared);
    const number = numericOf(value, compared.type);
    if (number !== undefined) return `${compared.number} ${operators[op]} ${this.#parameters.add(number)}::numeric`;
    if (compared.type === "bigint") return op === "ne" ? "true" : "false";
    const amongTexts = this.#textCondition(op, String(value), compared);
    return op === "lt" || op === "lte" ? `(${compared.number} < 'Infinity' OR ${amongTexts})` : amongTexts;
  }

  #textCondition(op: Comparison, value: string, { text, start }: Compared): string {
    const condition = `${text} ${operators[op]} ${this.#text(value)}`;
    if (start === undefined || op === "ne") return condition;
    return `(${start} ${startOperators[op]} ${this.#parameters.add(startOf(value))}::text AND ${condition})`;
  }

  #oneOf(values: readonly StoredScalar[], { type, number, text, start }: Compared): string {
    const present = values.filter((value) => value !== null);
    const numbers = number === undefined ? [] : present.flatMap((value) => numericOf(value, type) ?? []);
    const texts = number === undefined ? present.map(textualOf) : type === "bigint" ? [] : present.filter(isText);
    const parts: string[] = [];
    if (numbers.length > 0) parts.push(`${number} = ANY (${this.#parameters.add(numbers)}::numeric[])`);
    if (texts.length > 0) {
      const found = `${text} = ANY (${this.#texts(texts)})`;
      parts.push(
        start === undefined
          ? found
          : `(${start} = ANY (${this.#parameters.add(texts.map(startOf))}::text[]) AND ${found})`,
      );
    }
    return parts.length === 0 ? "false" : `(${parts.join(" OR ")})`;
  }

  #text(value: string): string {
    return `${this.#parameters.add(toStored(value))}::text`;
  }

  #texts(values: readonly string[]): string {
    return `${this.#parameters.add(values.map(toStored))}::text[]`;
  }
}

type Comparison = Exclude<Condition["op"], "in" | "contains">;

const operators: Readonly<Record<Comparison, string>> = {
  eq: "=",
  ne: "IS DISTINCT FROM",
  lt: "<",
  lte: "<=",
  gt: ">",
  gte: ">=",
};

/** What holds for the starts of two texts where the operator holds for the texts. */
const startOperators: Readonly<Record<Exclude<Comparison, "ne">, string>> = {
  eq: "=",
  lt: "<=",
  lte: "<=",
  gt: ">=",
  gte: ">=",
};

function nullCondition(op: Comparison, { number, text }: Compared): string {
  if (op === "eq") return `${number ?? text} IS NULL`;
  return op === "ne" ? `${number ?? text} IS NOT NULL` : "false";
}

/** What a value counts as beside a field's numbers, as PostgreSQL reads it; undefined where it has no place there. */
function numericOf(value: Exclude<StoredScalar, null>, type: FieldType): string | undefined {
  if (type === "bigint") return wholeNumberOf(value)?.toString();
  return typeof value === "string" ? undefined : String(Number(value));
}

function textualOf(value: Exclude<StoredScalar, null>): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function isText(value: StoredScalar): value is string {
  return typeof value === "string";
}

/** As much of a text, as it is stored, as an index holds. */
function startOf(value: string): string {
  return [...toStored(value)].slice(0, indexedLength).join("");
}
