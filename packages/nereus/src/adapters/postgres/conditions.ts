import type { Condition, DocumentQuery, FieldType, Filter, Folding, Inner, StoredScalar } from "../../ports/store.ts";
import { refuseOversized } from "../filter-limits.ts";
import { isDigits, isKeyed, orderKeyOf } from "../order-key.ts";
import { unknownField } from "../store-errors.ts";
import type { CollectionTable } from "./collection-tables.ts";
import { anyTextOf, comparedColumn, dateKey, fieldValue, numberOf, operator, textOf, within } from "./field-values.ts";
import { identifier, textLiteral } from "./identifiers.ts";
import { toStored } from "./stored-text.ts";
import { type FieldColumn, indexedLength, indexedValue } from "./table-definition.ts";

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
  /** What a part is looked for in: the text itself, where `text` is its key. */
  readonly value: string;
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
    const column = this.#column(field);
    const name = identifier(column.column);
    if (inner !== undefined) {
      const root = column.type === "json" ? name : fieldValue({ field, default: column.default });
      return this.#ofJson(within(root, inner.path), inner.type);
    }
    if (column.type === "json") return this.#ofJson(name, "json");
    if (column.type === "text" || column.type === "date") {
      const { type } = column;
      const text = type === "date" ? dateKey(name) : name;
      const start = table.indexed.has(field) ? { start: indexedValue(text, type) } : {};
      return { type, text, value: name, ...start };
    }
    const filled = { field, default: column.default };
    const number = comparedColumn(this.#schema, name, filled, column.type);
    const text = this.#textBeyond(number, fieldValue(filled));
    return { type: column.type, number, text, value: text };
  }

  #column(field: string): FieldColumn {
    const { collection, fields } = this.#table;
    const column = fields.get(field);
    if (column === undefined) throw unknownField(collection, field, fields.keys());
    return column;
  }

  #ofJson(value: string, type: FieldType): Compared {
    if (type === "text" || type === "date") {
      const own = `(${textOf(value)} COLLATE pg_catalog."C")`;
      return { type, text: type === "date" ? dateKey(own) : own, value: own };
    }
    const number = numberOf(this.#schema, value, type);
    const text = this.#textBeyond(number, value);
    return { type, number, text, value: text };
  }

  #textBeyond(number: string, value: string): string {
    return `((CASE WHEN ${number} ${equals} 'Infinity' THEN ${anyTextOf(this.#schema, value)} END) COLLATE pg_catalog."C")`;
  }

  #condition(condition: Condition, compared: Compared): string {
    if (condition.op === "has") return this.#item(condition);
    if (condition.op === "contains" || condition.op === "startsWith") return this.#part(condition, compared);
    const subject = this.#folded(compared, "fold" in condition ? condition.fold : undefined);
    if (condition.op === "in") return this.#oneOf(condition.value, subject);
    const { op, value } = condition;
    if (value === null) return nullCondition(op, compared);
    if (subject.number === undefined) return this.#textCondition(op, textualOf(value), subject);
    const number = numericOf(value, compared.type);
    if (number !== undefined) return comparison(compared.number ?? "", op, `${this.#parameters.add(number)}::numeric`);
    const amongTexts = this.#textCondition(op, textualOf(value), subject);
    return op === "lt" || op === "lte"
      ? `(${compared.number} ${operators.lt} 'Infinity' OR ${amongTexts})`
      : amongTexts;
  }

  /** Folding is for conditions on texts, and no index has the folded ones. */
  #folded({ start, ...compared }: Compared, fold: Folding | undefined): Compared {
    if (fold === undefined) return start === undefined ? compared : { ...compared, start };
    return { ...compared, text: this.#translated(compared.text, fold) };
  }

  /** Not as parameters: a comparison with null would not use them, which PostgreSQL refuses. */
  #translated(text: string, { from, to }: Folding): string {
    return `pg_catalog.translate(${text}, ${textLiteral(toStored(from))}, ${textLiteral(toStored(to))})`;
  }

  #part({ op, value, fold }: Condition & { readonly op: "contains" | "startsWith" }, compared: Compared): string {
    const text = fold === undefined ? compared.value : this.#translated(compared.value, fold);
    return op === "contains"
      ? `pg_catalog.strpos(${text}, ${this.#text(value)}) ${operators.gt} 0`
      : `pg_catalog.starts_with(${text}, ${this.#text(value)})`;
  }

  /** A list that is none has no items: PostgreSQL would refuse to look for them. */
  #item({ field, within: inner, value }: Condition & { readonly op: "has" }): string {
    const column = this.#column(field);
    const own = within(fieldValue({ field, default: column.default }), inner?.path ?? []);
    const items = `pg_catalog.json_array_elements(CASE WHEN pg_catalog.json_typeof(${own}) ${equals} 'array' THEN ${own} ELSE '[]' END)`;
    const kind = `pg_catalog.json_typeof(item) ${equals} '${typeof value}'`;
    const same =
      typeof value === "number"
        ? `CASE WHEN ${kind} THEN item::pg_catalog.text::numeric END ${equals} ${this.#parameters.add(String(value))}::numeric`
        : `${textOf("item")} COLLATE pg_catalog."C" ${equals} ${this.#text(String(value))}`;
    return `EXISTS (SELECT FROM ${items} AS item WHERE ${kind} AND ${same})`;
  }

  #textCondition(op: Comparison, value: string, { type, text, start }: Compared): string {
    const key = type === "date" ? orderKeyOf(value, type) : value;
    const condition = comparison(text, op, this.#text(key));
    if (start === undefined || op === "ne") return condition;
    return `(${start} ${startOperators[op]} ${this.#parameters.add(startOf(key))}::pg_catalog.text AND ${condition})`;
  }

  #oneOf(values: readonly StoredScalar[], { type, number, text, start }: Compared): string {
    const present = values.filter((value) => value !== null);
    const numbers = number === undefined ? [] : present.flatMap((value) => numericOf(value, type) ?? []);
    const others = number === undefined ? present : present.filter((value) => numericOf(value, type) === undefined);
    const texts = others.map((value) => (type === "date" ? orderKeyOf(textualOf(value), type) : textualOf(value)));
    const parts: string[] = [];
    if (numbers.length > 0) parts.push(`${number} ${equals} ANY (${this.#parameters.add(numbers)}::numeric[])`);
    if (texts.length > 0) {
      const found = `${text} ${equals} ANY (${this.#texts(texts)})`;
      parts.push(
        start === undefined
          ? found
          : `(${start} ${equals} ANY (${this.#parameters.add(texts.map(startOf))}::pg_catalog.text[]) AND ${found})`,
      );
    }
    return parts.length === 0 ? "false" : `(${parts.join(" OR ")})`;
  }

  #text(value: string): string {
    return `${this.#parameters.add(toStored(value))}::pg_catalog.text`;
  }

  #texts(values: readonly string[]): string {
    return `${this.#parameters.add(values.map(toStored))}::pg_catalog.text[]`;
  }
}

type Comparison = "eq" | "ne" | "lt" | "lte" | "gt" | "gte";

const equals = operator("=");
const operators: Readonly<Record<Exclude<Comparison, "ne">, string>> = {
  eq: equals,
  lt: operator("<"),
  lte: operator("<="),
  gt: operator(">"),
  gte: operator(">="),
};

/** With a value that is not null, to which null is unequal: IS DISTINCT FROM would look for an operator by its name. */
function comparison(subject: string, op: Comparison, value: string): string {
  return op === "ne" ? `((${subject} ${equals} ${value}) IS NOT TRUE)` : `${subject} ${operators[op]} ${value}`;
}

/** What holds for the starts of two texts where the operator holds for the texts. */
const startOperators: Readonly<Record<Exclude<Comparison, "ne">, string>> = {
  eq: equals,
  lt: operators.lte,
  lte: operators.lte,
  gt: operators.gte,
  gte: operators.gte,
};

function nullCondition(op: Comparison, { number, text }: Compared): string {
  if (op === "eq") return `${number ?? text} IS NULL`;
  return op === "ne" ? `${number ?? text} IS NOT NULL` : "false";
}

/** What a value counts as beside a field's numbers, as PostgreSQL reads it; undefined where it has no place there. */
function numericOf(value: Exclude<StoredScalar, null>, type: FieldType): string | undefined {
  if (isKeyed(type)) return isDigits(textualOf(value)) ? textualOf(value) : undefined;
  return typeof value === "string" ? undefined : String(Number(value));
}

function textualOf(value: Exclude<StoredScalar, null>): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** As much of a text, as it is stored, as an index holds. */
function startOf(value: string): string {
  return [...toStored(value)].slice(0, indexedLength).join("");
}
